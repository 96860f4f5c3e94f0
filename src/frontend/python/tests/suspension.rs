use super::{function, lower, snapshot};

#[test]
fn coroutines() {
    snapshot!(
        "
async def f(self, xs):
    self.n += await self.load()
    async with self.lock as held, other:
        await held
    async for x in xs:
        x()
    return [await y async for y in xs]
"
    );
}

#[test]
fn generators() {
    snapshot!("def f(x):\n    got = yield x\n    yield\n    yield from x\n    yield 1, 2\n    return (yield got)\n");
}

#[test]
fn a_function_s_yields_are_its_own() {
    let module = lower("def f():\n    def g():\n        yield 1\n    h = lambda: (yield)\n    return (x for x in g())\n");
    let generators: Vec<&str> = module.functions.iter().filter(|it| it.is_generator).map(|it| it.name.as_str()).collect();
    assert_eq!(generators, ["g", "<lambda>", "<genexpr>"]);
    assert!(!function(&module, "f").is_generator);
}
