//! Macros that hold items or statements.

use syn::parse::Parser;
use syn::{Attribute, Block, File, Item, Macro};

use super::super::context::Ctx;
use super::{Call, parse};
use crate::ir::{Arm, GlobalKind, Terminator};

impl Ctx<'_> {
    /// A macro in the place of an item. One whose body does not parse as items declares nothing.
    pub(in super::super) fn macro_item(&mut self, attributes: &[Attribute], mac: &Macro) {
        if self.macro_depth >= super::MAX_DEPTH {
            return;
        }
        self.macro_depth += 1;
        match super::last_segment(mac).as_str() {
            "thread_local" => self.macro_statics(mac, GlobalKind::ThreadLocal),
            "lazy_static" => self.macro_statics(mac, GlobalKind::Static),
            "cfg_if" => {
                for (attributes, tokens) in mac.parse_body::<parse::CfgIf>().map_or_else(|_| Vec::new(), |it| it.branches) {
                    if let Ok(file) = syn::parse2::<File>(tokens) {
                        self.items_under(&attributes, &file.items);
                    }
                }
            }
            _ => {
                if let Ok(file) = mac.parse_body::<File>() {
                    self.items_under(attributes, &file.items);
                }
            }
        }
        self.macro_depth -= 1;
    }

    fn items_under(&mut self, attributes: &[Attribute], items: &[Item]) {
        let scope = self.scope;
        self.under(attributes, scope, |ctx| ctx.items(items));
    }

    fn macro_statics(&mut self, mac: &Macro, kind: GlobalKind) {
        for it in mac.parse_body::<parse::Statics>().map_or_else(|_| Vec::new(), |it| it.statics) {
            self.macro_static(kind, &it.attributes, &it.name, &it.ty, &it.init);
        }
    }

    /// `cfg_if!` among statements: one of its branches, unknown which. Gives whether it was one.
    pub(super) fn cfg_if_statements(&mut self, call: Call<'_>) -> bool {
        let Some(parse::CfgIf { branches }) = call.parse() else { return false };
        let parsed: Vec<_> = branches.into_iter().filter_map(|(_, tokens)| Block::parse_within.parse2(tokens).ok()).collect();
        if parsed.is_empty() {
            return false;
        }
        let on = self.unknown(call.range);
        let blocks: Vec<_> = parsed.iter().map(|_| self.frame.b.new_block()).collect();
        let join = self.frame.b.new_block();
        let arms = blocks.iter().map(|target| Arm { variant: None, target: *target }).collect();
        self.frame.b.terminate(Terminator::Switch { on, arms }, call.range);
        for (statements, block) in parsed.iter().zip(blocks) {
            self.frame.b.switch_to(block);
            self.statements_of_macro(call, statements);
            self.frame.b.goto(join, call.range);
        }
        self.frame.b.switch_to(join);
        true
    }
}
