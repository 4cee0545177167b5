//! Problems, health, metrics, the end.

use std::sync::Arc;

use query::Role;

use crate::world::{Outcome, World, call, send};

#[tokio::test(flavor = "multi_thread")]
async fn every_error_is_a_problem_with_its_request_id() -> Outcome {
    let world = World::start().await?;
    for (request, status, code) in [
        ("GET /nothing HTTP/1.0\r\n\r\n", 404, "path_unknown"),
        ("GET / HTTP/1.0\r\n\r\n", 404, "path_unknown"),
        ("GET /metrics HTTP/1.0\r\n\r\n", 404, "path_unknown"),
        ("POST /healthz HTTP/1.0\r\nContent-Length: 0\r\n\r\n", 405, "method_refused"),
        ("DELETE /v1/logs/x HTTP/1.0\r\n\r\n", 405, "method_refused"),
    ] {
        let answer = send(world.api, request).await?;
        assert_eq!(answer.problem(), (status, code.to_owned()), "{request}");
        let json = answer.json();
        assert_eq!(json["type"], format!("urn:tollgate:problem:{code}"));
        let id = json["request_id"].as_str().ok_or("an id")?;
        assert!(answer.head.contains(&format!("x-request-id: {id}")), "{answer:?}");
        assert!(answer.head.contains("cache-control: no-store"), "{answer:?}");
    }
    let token = world.token(Role::Seller, Some("100")).await?;
    let answer = world.get(&token, "/v1/logs/%FF").await?;
    assert_eq!(answer.problem(), (400, "parameter_invalid".to_owned()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_store_it_says_so_and_nothing_more() -> Outcome {
    let mut world = World::start_alone().await?;
    let token = world.token(Role::Seller, Some("100")).await?;
    assert_eq!(world.get("", "/readyz").await?.status, 200);
    // The token is remembered, so that the route itself meets the dead store.
    assert_eq!(world.get(&token, "/v1/logs/x").await?.status, 404);
    let running = world.engine.take().and_then(Arc::into_inner).ok_or("its own")?;
    running.engine.stop();
    assert_eq!(world.get("", "/healthz").await?.status, 200);
    for path in ["/readyz", "/v1/logs/x"] {
        let answer = world.get(&token, path).await?;
        assert_eq!(answer.problem(), (503, "store_unavailable".to_owned()), "{path}");
        assert!(answer.head.contains("retry-after: 1"), "{answer:?}");
        assert!(!answer.text.contains("127.0.0.1"), "{answer:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_have_a_port_of_their_own() -> Outcome {
    let world = World::start().await?;
    let token = world.token(Role::Seller, Some("100")).await?;
    let call = call(0, "2026-11-20T13:10:00Z");
    world.put(std::slice::from_ref(&call)).await?;
    world.get(&token, &format!("/v1/logs/{}", call.req_id)).await?;
    world.get(&token, "/v1/bills/x").await?;
    let answer = send(world.metrics, "GET /metrics HTTP/1.0\r\n\r\n").await?;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: application/openmetrics-text"), "{answer:?}");
    for line in [
        "query_requests_total{route=\"logs\",status=\"ok\"} 1",
        "query_requests_total{route=\"bills\",status=\"client_error\"} 1",
        "query_requests_at_work 0",
    ] {
        assert!(answer.text.lines().any(|found| found == line), "{line}: {}", answer.text);
    }
    let answer = send(world.metrics, "GET /v1/bills/x HTTP/1.0\r\n\r\n").await?;
    assert_eq!(answer.status, 404);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_waits_for_nobody_who_is_idle() -> Outcome {
    let mut world = World::start().await?;
    let idle = tokio::net::TcpStream::connect(world.api).await?;
    assert_eq!(world.get("", "/healthz").await?.status, 200);
    let start = std::time::Instant::now();
    world.end().await?;
    assert!(start.elapsed() < std::time::Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(tokio::net::TcpStream::connect(world.api).await.is_err());
    drop(idle);
    Ok(())
}
