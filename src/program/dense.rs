//! Sets, maps and lists of functions: their numbers are dense, so they are indices.

use super::Fun;

/// A set of functions.
#[derive(Clone, Debug, Default)]
pub struct FunSet {
    has: Vec<bool>,
}

impl FunSet {
    pub fn contains(&self, function: Fun) -> bool {
        self.has.get(function.0 as usize).copied().unwrap_or_default()
    }

    /// Adds a function; whether it is new.
    pub fn insert(&mut self, function: Fun) -> bool {
        let index = function.0 as usize;
        if self.has.len() <= index {
            self.has.resize(index + 1, false);
        }
        !std::mem::replace(&mut self.has[index], true)
    }

    /// In their order.
    pub fn iter(&self) -> impl Iterator<Item = Fun> {
        self.has.iter().enumerate().filter(|it| *it.1).map(|it| Fun(it.0 as u32))
    }

    /// Takes out those for which `keeps` is false.
    pub fn retain(&mut self, keeps: impl Fn(Fun) -> bool) {
        for (index, has) in self.has.iter_mut().enumerate() {
            *has = *has && keeps(Fun(index as u32));
        }
    }
}

impl Extend<Fun> for FunSet {
    fn extend<I: IntoIterator<Item = Fun>>(&mut self, functions: I) {
        for function in functions {
            self.insert(function);
        }
    }
}

impl FromIterator<Fun> for FunSet {
    fn from_iter<I: IntoIterator<Item = Fun>>(functions: I) -> Self {
        let mut set = FunSet::default();
        set.extend(functions);
        set
    }
}

/// A map from functions.
#[derive(Clone, Debug)]
pub struct FunMap<T> {
    values: Vec<Option<T>>,
}

impl<T> Default for FunMap<T> {
    fn default() -> Self {
        FunMap { values: Vec::new() }
    }
}

impl<T> FunMap<T> {
    pub fn get(&self, function: Fun) -> Option<&T> {
        self.values.get(function.0 as usize)?.as_ref()
    }

    pub fn contains(&self, function: Fun) -> bool {
        self.get(function).is_some()
    }

    pub fn insert(&mut self, function: Fun, value: T) {
        *self.slot(function) = Some(value);
    }

    /// In the order of the functions.
    pub fn iter(&self) -> impl Iterator<Item = (Fun, &T)> {
        self.values.iter().enumerate().filter_map(|(index, it)| Some((Fun(index as u32), it.as_ref()?)))
    }

    /// The same, taken out.
    pub fn into_entries(self) -> impl Iterator<Item = (Fun, T)> {
        self.values.into_iter().enumerate().filter_map(|(index, it)| Some((Fun(index as u32), it?)))
    }

    fn slot(&mut self, function: Fun) -> &mut Option<T> {
        let index = function.0 as usize;
        if self.values.len() <= index {
            self.values.resize_with(index + 1, || None);
        }
        &mut self.values[index]
    }
}

impl<T: Default> FunMap<T> {
    pub fn or_default(&mut self, function: Fun) -> &mut T {
        self.slot(function).get_or_insert_default()
    }
}

/// A list for each function, all in one piece.
#[derive(Clone, Debug)]
pub struct FunLists<T> {
    /// Where the list of each function begins; the last one ends where all do.
    starts: Box<[u32]>,
    items: Box<[T]>,
}

impl<T> Default for FunLists<T> {
    fn default() -> Self {
        FunLists { starts: Box::default(), items: Box::default() }
    }
}

impl<T: Copy> FunLists<T> {
    /// Of `count` functions; `entries` gives the items, the same whenever it is asked. Those of one function stay in their
    /// order.
    pub fn of<I: Iterator<Item = (Fun, T)>>(count: usize, entries: impl Fn() -> I) -> FunLists<T> {
        let Some((_, any)) = entries().next() else { return FunLists::default() };
        // First how many each has, at the place behind its own; then where each begins; and while they are filled, where the
        // next item goes, which in the end is where the next list begins.
        let mut starts = vec![0u32; count + 2];
        entries().for_each(|it| starts[it.0.0 as usize + 2] += 1);
        for index in 2..starts.len() {
            starts[index] += starts[index - 1];
        }
        let mut items = vec![any; starts[count + 1] as usize];
        for (function, item) in entries() {
            let next = &mut starts[function.0 as usize + 1];
            items[*next as usize] = item;
            *next += 1;
        }
        starts.pop();
        FunLists { starts: starts.into(), items: items.into() }
    }

    pub fn get(&self, function: Fun) -> &[T] {
        let index = function.0 as usize;
        match self.starts.get(index..index + 2) {
            Some([start, end]) => &self.items[*start as usize..*end as usize],
            _ => &[],
        }
    }

    /// The functions whose lists are not empty, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (Fun, &[T])> {
        let all = self.starts.windows(2).enumerate();
        all.filter(|it| it.1[0] < it.1[1]).map(|(index, it)| (Fun(index as u32), &self.items[it[0] as usize..it[1] as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_there() {
        let mut set: FunSet = [Fun(7), Fun(2)].into_iter().collect();
        assert_eq!([2, 7, 3, 99].map(|it| set.contains(Fun(it))), [true, true, false, false]);
        assert_eq!([set.insert(Fun(2)), set.insert(Fun(3))], [false, true]);
        set.retain(|it| it == Fun(3));
        assert_eq!([2, 3].map(|it| set.contains(Fun(it))), [false, true]);

        let mut map: FunMap<Vec<u8>> = FunMap::default();
        map.or_default(Fun(5)).push(1);
        map.or_default(Fun(5)).push(2);
        map.insert(Fun(0), vec![9]);
        assert_eq!(map.iter().map(|it| (it.0.0, it.1.clone())).collect::<Vec<_>>(), [(0, vec![9]), (5, vec![1, 2])]);
        assert_eq!((map.get(Fun(3)), map.contains(Fun(5)), map.get(Fun(9))), (None, true, None));
    }

    #[test]
    fn lists_keep_their_order() {
        let entries = [(3, 'a'), (1, 'b'), (3, 'c'), (0, 'd'), (3, 'e')];
        let lists = FunLists::of(5, || entries.iter().map(|it| (Fun(it.0), it.1)));
        assert_eq!([0, 1, 2, 3, 4, 9].map(|it| lists.get(Fun(it)).iter().collect::<String>()), ["d", "b", "", "ace", "", ""]);
        assert_eq!(lists.iter().map(|it| (it.0.0, it.1.len())).collect::<Vec<_>>(), [(0, 1), (1, 1), (3, 3)]);
        assert!(FunLists::<char>::of(2, std::iter::empty).get(Fun(1)).is_empty());
    }
}
