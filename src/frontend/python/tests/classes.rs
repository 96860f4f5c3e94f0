use super::{lower, snapshot};
use crate::ir::FunctionKind;

#[test]
fn bodies() {
    snapshot!(
        "
class Base(a.B, Generic[T], metaclass=Meta):
    '''Doc.'''
    limit = 5
    double = limit * 2
    items = [limit for i in range(limit)]
    lock = lock
    def get(self): return limit
    alias = get
    class Inner(Base):
        x = limit
"
    );
}

#[test]
fn kinds_of_methods() {
    let module = lower(
        "
class C:
    def a(self): pass
    @classmethod
    def b(cls): pass
    @staticmethod
    def c(x): pass
    @abc.abstractclassmethod
    def d(cls): pass
    def __new__(cls): pass
    def e(): pass
    def f(*args): pass
    @property
    def g(self): pass
    if x:
        def h(self): pass
",
    );
    let kinds: Vec<String> = module.classes[0].methods.iter().map(|it| module.function(*it)).map(|it| format!("{} {:?}", it.name, it.kind)).collect();
    let expected = [
        "a Method",
        "b ClassMethod",
        "c StaticMethod",
        "d ClassMethod",
        "__new__ ClassMethod",
        "e StaticMethod",
        "f StaticMethod",
        "g Method",
        "h Method",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(module.functions.iter().filter(|it| it.kind == FunctionKind::ClassBody).count(), 1);
}

#[test]
fn in_functions() {
    snapshot!(
        "
def make(n):
    class Local:
        size = n
        def get(self):
            return n
    return Local
"
    );
}

#[test]
fn tests_are_known() {
    let module = lower(
        "
def test_a(): pass
def helper(): pass
class TestX:
    def test_b(self):
        def inner(): pass
    def helper_b(self): pass
class TestClient:
    def get(self): pass
class Cases(unittest.TestCase):
    def setUp(self): pass
",
    );
    let tests: Vec<&str> = module.functions.iter().filter(|it| it.is_test && it.kind != FunctionKind::ClassBody).map(|it| it.name.as_str()).collect();
    assert_eq!(tests, ["test_a", "test_b", "inner", "helper_b", "setUp"]);
}

#[test]
fn private_names() {
    let module = lower("def a(): pass\ndef _b(): pass\nclass C:\n    def __c(self): self.__d\n    def __call__(self): pass\n");
    let public: Vec<&str> = module.functions.iter().filter(|it| it.is_public).map(|it| it.name.as_str()).collect();
    assert_eq!(public, ["a", "__call__"]);
}
