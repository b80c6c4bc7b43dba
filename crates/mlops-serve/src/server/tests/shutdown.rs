use super::*;

/// A service whose model says when it has begun and waits until it may go on.
async fn start_held(limits: Limits) -> (Running, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (begin, begun) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let model = Stub::new().before(move || {
        begin.send(()).unwrap();
        let _ = released.lock().unwrap().recv();
    });
    let builder = Service::builder(classifier(model)).limits(limits);
    (Running::start(builder).await, begun, release)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_lets_a_request_in_flight_finish() {
    let (running, begun, release) = start_held(Limits::default()).await;
    let mut stream = running.connect().await;
    // Large enough to be scored on a thread of its own.
    stream.write_all(request(&body(&[13.0; 1000])).as_bytes()).await.unwrap();
    tokio::task::spawn_blocking(move || begun.recv().unwrap()).await.unwrap();

    let (address, service) = (running.address, running.service.clone());
    let stopped = tokio::spawn(running.stop());
    while !service.is_stopping() {
        tokio::task::yield_now().await;
    }
    // Ends when a new connection is refused.
    while TcpStream::connect(address).await.is_ok() {}
    assert!(!stopped.is_finished());

    release.send(()).unwrap();
    let reply = read_to_close(&mut stream).await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(reply.ends_with(r#"1],"monitoring":{}}]"#), "{reply}");
    assert_eq!(stopped.await.unwrap(), Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_cuts_what_does_not_finish_in_its_grace() {
    let (running, begun, release) = start_held(short()).await;
    let mut stream = running.connect().await;
    stream.write_all(request(&body(&[13.0; 1000])).as_bytes()).await.unwrap();
    tokio::task::spawn_blocking(move || begun.recv().unwrap()).await.unwrap();
    let expected = Error::ConnectionsCut { connections: 1, grace: short().grace };
    assert_eq!(running.stop().await, Err(expected));
    assert_eq!(read_to_close(&mut stream).await, "");
    release.send(()).unwrap();
}

#[tokio::test]
async fn an_output_that_nobody_reads_slows_no_request_and_its_losses_are_counted() {
    let (_never, unread) = mpsc::channel();
    let telemetry = Telemetry::builder("Wine", Unread(unread)).capacity(10_000).start().unwrap();
    let running = Running::start(builder().telemetry(telemetry.clone()).limits(short())).await;
    let mut stream = running.connect().await;
    let mut slowest = Duration::ZERO;
    for _ in 0..200 {
        let started = Instant::now();
        stream.write_all(request(&body(&[9.4])).as_bytes()).await.unwrap();
        let reply = read_until(&mut stream, ANSWER_END).await;
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
        slowest = slowest.max(started.elapsed());
    }
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    let lost = telemetry.counts().dropped;
    assert!((100..200).contains(&lost), "{lost} events were dropped");
    let grace = short().grace;
    assert_eq!(
        running.stop().await,
        Err(Error::Telemetry(mlops_telemetry::Error::NotWritten { grace }))
    );
}

#[tokio::test]
async fn a_drain_delay_keeps_the_port_open_after_readiness_has_gone() {
    let limits = Limits { drain_delay: Duration::from_millis(300), ..short() };
    let running = Running::start(builder().limits(limits)).await;
    let (address, service) = (running.address, running.service.clone());
    let stopped = tokio::spawn(running.stop());
    while !service.is_stopping() {
        tokio::task::yield_now().await;
    }
    assert!(ask(address, "GET /readyz").await.starts_with("HTTP/1.1 503 "));
    assert!(ask(address, "GET /livez").await.starts_with("HTTP/1.1 200 "));
    assert_eq!(stopped.await.unwrap(), Ok(()));
    TcpStream::connect(address).await.unwrap_err();
}

#[tokio::test]
async fn a_connection_ends_with_the_first_answer_after_a_shutdown_began() {
    let limits = Limits { drain_delay: Duration::from_millis(300), ..Limits::default() };
    let running = Running::start(builder().limits(limits)).await;
    let mut stream = running.connect().await;
    stream.write_all(request(&body(&[9.4])).as_bytes()).await.unwrap();
    let reply = read_until(&mut stream, ANSWER_END).await;
    assert!(!reply.contains("connection: close\r\n"), "{reply}");
    running.service.stop();
    stream.write_all(request(&body(&[9.4])).as_bytes()).await.unwrap();
    let reply = read_to_close(&mut stream).await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(reply.contains("connection: close\r\n"), "{reply}");
    assert_eq!(running.stop().await, Ok(()));
}
