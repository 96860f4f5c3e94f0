//! Ranges that lie apart or one in another: finding the innermost around a place.

use super::Range;

/// Such ranges, each with what it belongs to and the index of the one around it.
#[derive(Clone, Debug)]
pub struct Nested<T>(Vec<(Range, T, Option<usize>)>);

impl<T> Default for Nested<T> {
    fn default() -> Self {
        Nested(Vec::new())
    }
}

impl<T: Copy> Nested<T> {
    pub fn new(mut ranges: Vec<(Range, T)>) -> Nested<T> {
        ranges.sort_by_key(|it| (it.0.start, std::cmp::Reverse(it.0.end)));
        let mut nested: Vec<(Range, T, Option<usize>)> = Vec::with_capacity(ranges.len());
        for (range, what) in ranges {
            let mut around = nested.len().checked_sub(1);
            while let Some(index) = around
                && !nested[index].0.contains(range)
            {
                around = nested[index].2;
            }
            nested.push((range, what, around));
        }
        Nested(nested)
    }

    /// The innermost around a range.
    pub fn around(&self, range: Range) -> Option<T> {
        let mut at = self.0.partition_point(|it| it.0.start <= range.start).checked_sub(1);
        while let Some(index) = at {
            let (outer, what, around) = self.0[index];
            if outer.contains(range) {
                return Some(what);
            }
            at = around;
        }
        None
    }

    /// Those that begin in a range, in order.
    pub fn beginning_in(&self, range: Range) -> impl Iterator<Item = (Range, T)> + '_ {
        let first = self.0.partition_point(|it| it.0.start < range.start);
        self.0[first..].iter().take_while(move |it| it.0.start < range.end).map(|it| (it.0, it.1))
    }
}
