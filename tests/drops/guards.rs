//! When a guard value is dropped: each line with a probe says whether the lock is held there. Compiled and run, a probe
//! tries the lock; read by lockset, it takes it, which is a finding where it is held.

#![allow(let_underscore_lock)]

use std::sync::{Mutex, MutexGuard};

pub struct S {
    m: Mutex<Vec<u32>>,
    n: Mutex<Option<u32>>,
}

pub struct Two<'a> {
    m: MutexGuard<'a, Vec<u32>>,
    n: MutexGuard<'a, Option<u32>>,
}

pub struct One<'a>(MutexGuard<'a, Vec<u32>>);

impl S {
    /*PROBE*/

    fn guard(&self) -> MutexGuard<'_, Vec<u32>> {
        self.m.lock().unwrap()
    }

    fn two(&self) -> Two<'_> {
        Two { m: self.m.lock().unwrap(), n: self.n.lock().unwrap() }
    }

    fn some(&self) -> Option<MutexGuard<'_, Vec<u32>>> {
        Some(self.guard())
    }

    fn result(&self) -> Result<MutexGuard<'_, Vec<u32>>, ()> {
        self.m.lock().map_err(|_| ())
    }

    fn consume(&self, _guard: MutexGuard<'_, Vec<u32>>) {}

    fn through<'a>(&self, guard: MutexGuard<'a, Vec<u32>>) -> MutexGuard<'a, Vec<u32>> {
        guard
    }

    pub fn named(&self) {
        let g = self.m.lock().unwrap();
        self.probe(line!());
        drop(g);
        self.probe(line!());
    }

    pub fn ignored(&self) {
        let _ = self.m.lock().unwrap();
        self.probe(line!());
        let _g = self.m.lock().unwrap();
        self.probe(line!());
    }

    pub fn block(&self) {
        {
            let _g = self.guard();
            self.probe(line!());
        }
        self.probe(line!());
    }

    pub fn shadowed(&self) {
        let g = self.guard();
        let g = g.len();
        self.probe(line!());
        let _ = g;
    }

    pub fn reassigned(&self) {
        let mut g = Some(self.guard());
        self.probe(line!());
        g = None;
        self.probe(line!());
        drop(g);
    }

    pub fn statement(&self) {
        self.m.lock().unwrap().push(1);
        self.probe(line!());
        let n = self.m.lock().unwrap().len();
        self.probe(line!());
        let _ = n;
    }

    pub fn operand(&self) {
        let n = self.m.lock().unwrap().len() as u32 + self.probe(line!());
        self.probe(line!());
        let _ = n;
    }

    pub fn scrutinee(&self) {
        match self.m.lock().unwrap().first().copied() {
            Some(_) => self.probe(line!()),
            None => self.probe(line!()),
        };
        self.probe(line!());
    }

    pub fn braced_scrutinee(&self) {
        match { self.m.lock().unwrap().len() } {
            0 => self.probe(line!()),
            _ => self.probe(line!()),
        };
        self.probe(line!());
    }

    pub fn let_scrutinee(&self) {
        let first = self.m.lock().unwrap().first().copied();
        match first {
            Some(_) => self.probe(line!()),
            None => self.probe(line!()),
        };
    }

    pub fn condition(&self) {
        if self.m.lock().unwrap().is_empty() {
            self.probe(line!());
        } else {
            self.probe(line!());
        }
    }

    pub fn if_let(&self) {
        if let Some(_) = self.m.lock().unwrap().first() {
            self.probe(line!());
        } else {
            self.probe(line!());
        }
        self.probe(line!());
    }

    pub fn if_let_empty(&self) {
        if let Some(_) = self.m.lock().unwrap().get(100) {
            self.probe(line!());
        } else {
            self.probe(line!());
        }
        self.probe(line!());
    }

    pub fn while_let(&self) {
        let mut rounds = 0;
        while let Some(_) = self.m.lock().unwrap().get(rounds) {
            self.probe(line!());
            rounds += 1;
        }
        self.probe(line!());
    }

    pub fn while_condition(&self) {
        let mut rounds = 0;
        while self.m.lock().unwrap().len() > rounds {
            self.probe(line!());
            rounds += 1;
        }
    }

    pub fn for_loop(&self) {
        for _ in self.m.lock().unwrap().iter() {
            self.probe(line!());
        }
        self.probe(line!());
    }

    pub fn for_clone(&self) {
        let all = self.m.lock().unwrap().clone();
        for _ in all {
            self.probe(line!());
        }
    }

    pub fn let_else(&self) {
        let Some(_) = self.m.lock().unwrap().get(100) else {
            self.probe(line!());
            return;
        };
    }

    pub fn tail(&self) -> u32 {
        let n = {
            let s = self;
            s.m.lock().unwrap().len() as u32
        };
        self.probe(line!());
        n
    }

    pub fn extended(&self) {
        let first = &self.m.lock().unwrap()[0];
        self.probe(line!());
        let _ = first;
        self.probe(line!());
    }

    pub fn helper(&self) {
        let all = &self.guard();
        self.probe(line!());
        let _ = all.len();
    }

    pub fn given_away(&self) {
        let g = self.guard();
        self.consume(g);
        self.probe(line!());
        let g = self.guard();
        let g = self.through(g);
        self.probe(line!());
        drop(g);
        self.probe(line!());
    }

    pub fn parts(&self) {
        let Two { m, n } = self.two();
        drop(n);
        self.probe(line!());
        drop(m);
        self.probe(line!());
    }

    pub fn moved_part(&self) {
        let two = self.two();
        let m = two.m;
        self.probe(line!());
        drop(m);
        self.probe(line!());
        drop(two.n);
    }

    pub fn tuple(&self) {
        let (m, n) = (self.guard(), self.n.lock().unwrap());
        drop(n);
        self.probe(line!());
        drop(m);
        self.probe(line!());
    }

    pub fn wrapped(&self) {
        let one = One(self.guard());
        self.probe(line!());
        drop(one);
        self.probe(line!());
    }

    pub fn option(&self) {
        let mut g = self.some();
        self.probe(line!());
        drop(g.take());
        self.probe(line!());
    }

    pub fn question(&self) -> Option<()> {
        let g = self.some()?;
        self.probe(line!());
        drop(g);
        self.probe(line!());
        self.result().ok()?.push(1);
        self.probe(line!());
        Some(())
    }

    pub fn arms(&self) {
        match self.m.lock() {
            Ok(g) => {
                self.probe(line!());
                drop(g);
                self.probe(line!());
            }
            Err(_) => {}
        }
        self.probe(line!());
    }

    pub fn mapped(&self) {
        let n = self.m.lock().map(|it| it.len()).unwrap_or(0);
        self.probe(line!());
        let m = self.m.lock().map(|it| it.len()).unwrap_or(0) as u32 + self.probe(line!());
        let _ = (n, m);
    }

    pub fn closure(&self) {
        let g = self.guard();
        let end = move || drop(g);
        self.probe(line!());
        end();
        self.probe(line!());
    }

    pub fn broken_loop(&self) {
        let kept = loop {
            let g = self.guard();
            if g.len() < 100 {
                break g;
            }
        };
        self.probe(line!());
        drop(kept);
        self.probe(line!());
    }

    pub fn rounds(&self) {
        for _ in 0..2 {
            self.probe(line!());
            let _g = self.guard();
            self.probe(line!());
        }
        self.probe(line!());
    }

    pub fn replaced(&self) {
        let mut g = Some(self.guard());
        let old = std::mem::take(&mut g);
        self.probe(line!());
        drop(old);
        self.probe(line!());
    }

    pub fn taken_out(&self) {
        let old = self.n.lock().unwrap().take();
        let g = self.guard();
        self.probe(line!());
        drop((g, old));
        self.probe(line!());
    }

    pub fn collected(&self) {
        let all = vec![self.guard()];
        self.probe(line!());
        drop(all);
        self.probe(line!());
    }

    pub fn format(&self) {
        let text = format!("{}", self.m.lock().unwrap().len());
        self.probe(line!());
        let _ = text;
    }

    pub fn short_circuit(&self) {
        let both = self.m.lock().unwrap().is_empty() && self.probe(line!()) == 0;
        self.probe(line!());
        let _ = both;
    }
}

const ALL: &[fn(&S)] = &[
    |s| drop(s.named()),
    |s| drop(s.ignored()),
    |s| drop(s.block()),
    |s| drop(s.shadowed()),
    |s| drop(s.reassigned()),
    |s| drop(s.statement()),
    |s| drop(s.operand()),
    |s| drop(s.scrutinee()),
    |s| drop(s.braced_scrutinee()),
    |s| drop(s.let_scrutinee()),
    |s| drop(s.condition()),
    |s| drop(s.if_let()),
    |s| drop(s.if_let_empty()),
    |s| drop(s.while_let()),
    |s| drop(s.while_condition()),
    |s| drop(s.for_loop()),
    |s| drop(s.for_clone()),
    |s| drop(s.let_else()),
    |s| drop(s.tail()),
    |s| drop(s.extended()),
    |s| drop(s.helper()),
    |s| drop(s.given_away()),
    |s| drop(s.parts()),
    |s| drop(s.moved_part()),
    |s| drop(s.tuple()),
    |s| drop(s.wrapped()),
    |s| drop(s.option()),
    |s| drop(s.question()),
    |s| drop(s.arms()),
    |s| drop(s.mapped()),
    |s| drop(s.closure()),
    |s| drop(s.broken_loop()),
    |s| drop(s.rounds()),
    |s| drop(s.replaced()),
    |s| drop(s.taken_out()),
    |s| drop(s.collected()),
    |s| drop(s.format()),
    |s| drop(s.short_circuit()),
];

pub fn main() {
    for run in ALL {
        for content in [vec![1, 2], vec![]] {
            let s = S { m: Mutex::new(content), n: Mutex::new(Some(1)) };
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&s)));
        }
    }
}
