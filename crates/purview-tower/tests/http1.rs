//! Over real connections of HTTP/1: who sees what, and that nothing is left alive.

mod common;

use common::SECOND;
use common::server::{Client, Server, within};
use purview_propagate::{Policy, inject};
use purview_tower::{ClientGone, End, Finished, HandlerPanicked};
use std::collections::HashMap;
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a_request_that_goes_well_is_finished_and_the_connection_goes_on() {
    let mut server = Server::start().await;
    let mut client = Client::connect(&server).await;
    for _ in 0..3 {
        client.get("/ok").await;
        assert!(client.head().await.starts_with("HTTP/1.1 200"));
        assert_eq!(client.read_to("ok").await, "ok");
    }
    server.assert_ends(&[End::Finished; 3]).await;
}

#[tokio::test]
async fn a_client_that_hangs_up_while_the_handler_runs_ends_its_context() {
    let mut server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.get("/wait").await;
    let ctx = server.handled().await;
    drop(client);
    let error = within("the hang-up is seen", ctx.done()).await;
    assert!(error.cause().is::<ClientGone>());
    drop(ctx);
    server.assert_ends(&[End::ClientGone]).await;
}

#[tokio::test]
async fn a_client_that_hangs_up_in_the_body_ends_its_context() {
    let mut server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.get("/stream").await;
    let ctx = server.handled().await;
    client.read_to("first").await;
    assert!(!ctx.is_done());
    drop(client);
    assert!(within("the hang-up is seen", ctx.done()).await.cause().is::<ClientGone>());
    drop(ctx);
    server.assert_ends(&[End::ClientGone]).await;
}

#[tokio::test]
async fn a_client_that_closes_its_writing_half_is_cut_off_by_default() {
    let mut server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.get("/wait").await;
    let ctx = server.handled().await;
    client.0.shutdown().await.unwrap();
    assert!(within("the end of the writing half is seen", ctx.done()).await.cause().is::<ClientGone>());
    drop(ctx);
    server.assert_ends(&[End::ClientGone]).await;
}

#[tokio::test]
async fn blind_with_a_further_request_waiting_the_hang_up_is_not_seen_and_the_deadline_ends_it() {
    let mut server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let request = "GET /wait HTTP/1.1\r\nhost: here\r\nx-request-timeout-ms: 1000\r\n\r\n";
    client.send(&format!("{request}GET /ok HTTP/1.1\r\nhost: here\r\n\r\n")).await;
    let ctx = server.handled().await;
    drop(client);
    server.goes_on().await;
    assert!(!ctx.is_done(), "seen after all: say so in the guide");
    server.clock.advance(SECOND);
    assert!(ctx.error().unwrap().is_deadline_exceeded());
    drop(ctx);
    // The one that waited may still have been answered into the void.
    server.drained().await;
    assert_eq!(server.counts.ended(End::Deadline), 1);
}

#[tokio::test]
async fn blind_while_the_handler_holds_the_body_unread_the_hang_up_is_not_seen_and_the_deadline_ends_it() {
    let mut server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let head =
        "POST /hold HTTP/1.1\r\nhost: here\r\nx-request-timeout-ms: 1000\r\ncontent-length: 1000\r\n\r\n";
    client.send(head).await;
    let ctx = server.handled().await;
    drop(client);
    server.goes_on().await;
    assert!(!ctx.is_done(), "seen after all: say so in the guide");
    server.clock.advance(SECOND);
    assert!(ctx.error().unwrap().is_deadline_exceeded());
    drop(ctx);
    let mut ends = vec![End::Finished; 20];
    ends.push(End::Deadline);
    server.assert_ends(&ends).await;
}

#[tokio::test]
async fn a_handler_that_reads_the_body_sees_the_client_leave_in_it() {
    let mut server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.send("POST /read HTTP/1.1\r\nhost: here\r\ncontent-length: 1000\r\n\r\nsome of it").await;
    let ctx = server.handled().await;
    drop(client);
    within("the request ends", ctx.done()).await;
    drop(ctx);
    server.drained().await;
}

#[tokio::test]
async fn a_body_that_trickles_in_is_waited_for_no_longer_than_the_deadline() {
    let mut server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let head =
        "POST /read HTTP/1.1\r\nhost: here\r\nx-request-timeout-ms: 1000\r\ncontent-length: 1000\r\n\r\n";
    client.send(head).await;
    let ctx = server.handled().await;
    for _ in 0..10 {
        client.send("x").await;
        server.goes_on().await;
    }
    assert!(!ctx.is_done());
    server.clock.advance(SECOND);
    assert!(client.head().await.starts_with("HTTP/1.1 504"));
    assert!(ctx.error().unwrap().is_deadline_exceeded());
    drop((client, ctx));
    let mut ends = vec![End::Finished; 200];
    ends.push(End::Deadline);
    server.assert_ends(&ends).await;
}

#[tokio::test]
async fn a_body_whose_client_closes_its_writing_half_leaves_nothing_alive() {
    let mut server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.send("POST /read HTTP/1.1\r\nhost: here\r\ncontent-length: 1000\r\n\r\nsome of it").await;
    let ctx = server.handled().await;
    client.0.shutdown().await.unwrap();
    within("the request ends", ctx.done()).await;
    drop(ctx);
    assert!(!client.rest().await.contains("200"), "half of a body is none");
    server.drained().await;
}

#[tokio::test]
async fn of_thousands_of_members_of_baggage_those_within_the_limits_come_in() {
    let mut server = Server::with(|layer| layer.policy(Policy::trusted())).await;
    let mut client = Client::connect(&server).await;
    let members: Vec<_> = (0..5_000).map(|number| format!("k{number}=v")).collect();
    let baggage = format!("baggage: {}\r\n", members.join(","));
    client.send(&format!("GET /ok HTTP/1.1\r\nhost: here\r\n{baggage}\r\n")).await;
    let ctx = server.handled().await;
    let mut goes = HashMap::<String, String>::new();
    let policy = Policy::trusted().max_baggage(5_000, 1 << 20);
    inject(&ctx.without_cancel(), &mut goes, &policy).unwrap();
    assert_eq!(goes["baggage"], members[..180].join(","));
    client.read_to("ok").await;
    drop(ctx);
    server.assert_ends(&[End::Finished]).await;
}

#[tokio::test]
async fn a_late_handler_is_answered_504_and_the_connection_goes_on() {
    let mut server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.get("/wait").await;
    drop(server.handled().await);
    server.clock.advance(SECOND);
    assert!(client.head().await.starts_with("HTTP/1.1 504"));
    client.read_to("is up\n").await;
    client.get("/ok").await;
    client.read_to("ok").await;
    server.assert_ends(&[End::Deadline, End::Finished]).await;
}

#[tokio::test]
async fn a_late_body_is_cut_so_that_the_client_sees_it() {
    let mut server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.get("/stream").await;
    assert!(client.head().await.contains("chunked"));
    client.read_to("first\r\n").await;
    server.clock.advance(SECOND);
    assert_eq!(client.rest().await, "", "closed without the last chunk");
    server.assert_ends(&[End::Deadline]).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_does_not_keep_the_work_alive() {
    let mut server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.get("/flood").await;
    let ctx = server.handled().await;
    client.head().await;
    server.goes_on().await;
    server.clock.advance(SECOND);
    assert!(ctx.error().unwrap().is_deadline_exceeded(), "in time, though nobody polls the body");
    drop((client, ctx));
    let mut ends = vec![End::Finished; 20];
    ends.push(End::Deadline);
    server.assert_ends(&ends).await;
}

#[tokio::test]
async fn responses_without_a_body_are_finished_at_once_and_the_connection_goes_on() {
    let mut server = Server::start().await;
    let mut client = Client::connect(&server).await;
    for (head, status) in
        [("HEAD /stream", "200"), ("GET /204", "204"), ("GET /304", "304"), ("GET /ok", "200")]
    {
        client.send(&format!("{head} HTTP/1.1\r\nhost: here\r\n\r\n")).await;
        let ctx = server.handled().await;
        assert!(client.head().await.contains(status), "{head}");
        assert!(within("it is finished", ctx.done()).await.cause().is::<Finished>(), "{head}");
    }
    server.assert_ends(&[End::Finished; 4]).await;
}

#[tokio::test]
async fn a_stream_with_a_length_is_finished_with_its_last_byte() {
    let mut server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.get("/length").await;
    assert!(client.head().await.contains("content-length: 5"));
    client.read_to("first").await;
    server.assert_ends(&[End::Finished]).await;
}

#[tokio::test]
async fn a_response_with_trailers_is_finished() {
    let mut server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.get("/trailers").await;
    client.read_to("0\r\n\r\n").await;
    server.assert_ends(&[End::Finished]).await;
}

#[tokio::test]
async fn an_upgraded_connection_has_its_context_until_it_ends() {
    for (request, answer) in [
        (
            "GET /upgrade HTTP/1.1\r\nhost: here\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n",
            "HTTP/1.1 101",
        ),
        ("CONNECT there:1 HTTP/1.1\r\nhost: there:1\r\n\r\n", "HTTP/1.1 200"),
    ] {
        let mut server = Server::start().await;
        let mut client = Client::connect(&server).await;
        client.send(request).await;
        assert!(client.head().await.starts_with(answer));
        assert_eq!(client.read_to("live").await, "live");
        assert_eq!((server.counts.live(), server.counts.ended(End::Upgraded)), (0, 1));
        drop(client);
        server.assert_ends(&[End::Upgraded]).await;
    }
}

#[tokio::test]
async fn a_panicking_handler_or_body_leaves_nothing_alive() {
    let mut server = Server::start().await;
    for path in ["/panic", "/panic-later"] {
        let mut client = Client::connect(&server).await;
        client.get(path).await;
        let ctx = server.handled().await;
        assert!(within("it is over", ctx.done()).await.cause().is::<HandlerPanicked>(), "{path}");
        client.rest().await;
    }
    server.assert_ends(&[End::Panicked; 2]).await;
}

#[tokio::test]
async fn malformed_headers_are_answered_400_and_the_connection_goes_on() {
    let mut server = Server::start().await;
    let mut client = Client::connect(&server).await;
    client.send("GET /ok HTTP/1.1\r\nhost: here\r\ngrpc-timeout: soon\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 400"));
    client.read_to("\n").await;
    client.get("/ok").await;
    client.read_to("ok").await;
    server.assert_ends(&[End::Refused, End::Finished]).await;
}

#[tokio::test]
async fn many_requests_of_which_some_hang_up_leave_nothing_alive() {
    let mut server = Server::start().await;
    for round in 0..200 {
        let mut client = Client::connect(&server).await;
        client.get(["/wait", "/stream", "/ok", "/flood"][round % 4]).await;
        if round % 3 == 0 {
            drop(server.handled().await);
        }
    }
    server.drained().await;
    server.goes_on().await;
    server.drained().await;
    assert_eq!(server.counts.ended(End::Panicked) + server.counts.ended(End::Shutdown), 0);
}
