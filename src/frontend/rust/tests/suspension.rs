use super::snapshot;

#[test]
fn async_functions() {
    snapshot!("impl S { async fn f(&self) -> Result<u8> { let a = self.lock.lock().await; let b = self.g(*a).await?; Ok(b) } }\n");
}

#[test]
fn async_blocks_and_closures() {
    snapshot!("fn f(s: Arc<S>) { tokio::spawn(async move { s.run().await; }); let c = async |x: u8| x.go().await; let later = async { 1 }; }\n");
}

#[test]
fn select_and_join() {
    snapshot!(
        "async fn f(a: &mut R, s: &S) { tokio::select! { Some(x) = a.recv() => s.take(x), _ = s.done() => { return; } else => g(), } let (p, q) = tokio::join!(s.p(), s.q()); }\n"
    );
}

#[test]
fn loops_that_await() {
    snapshot!("async fn f(r: &mut R) { while let Some(m) = r.next().await { if m.is_end() { break; } handle(m).await; } for await_ in r {} }\n");
}
