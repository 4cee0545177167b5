//! The limits of a head, and what is told of the connection. What is made of an answer stands in
//! `tests/fuzz`, beside what hyper's client makes of the same bytes.

use super::*;

const LIMITS: AnswerLimits = AnswerLimits { head: 8192, headers: 100 };

#[test]
fn only_what_says_so_keeps_the_connection() {
    for (text, keeps) in [
        ("HTTP/1.1 200 OK\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\nConnection: x, Close\r\nConnection: keep-alive\r\n\r\n", false),
        ("HTTP/1.0 200 OK\r\n\r\n", false),
        ("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n\r\n", true),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\n\r\n", false),
        ("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n", false),
    ] {
        let mut input = Bytes::from(text);
        let begun = take_head(&mut input, &Method::GET, LIMITS, &mut HeaderMap::new());
        let Ok(Some(Begun::Answer(answer))) = begun else { panic!("{text:?} is a head") };
        assert_eq!(answer.keep_alive, keeps, "{text:?}");
    }
}

#[test]
fn a_head_has_limits() {
    let limits = AnswerLimits { head: 100, headers: 3 };
    let take = |text: &str| {
        let mut input = Bytes::copy_from_slice(text.as_bytes());
        take_head(&mut input, &Method::GET, limits, &mut HeaderMap::new())
            .map(|begun| begun.is_some())
    };
    let head = |length: usize| format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "a".repeat(length - 24));
    assert_eq!((head(100).len(), take(&head(100))), (100, Ok(true)));
    assert_eq!(take(&head(101)), Err(Malformed));
    assert_eq!(take(&head(200)[..99]), Ok(false));
    assert_eq!(take(&head(200)[..100]), Err(Malformed));
    assert_eq!(take(&format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(3))), Ok(true));
    assert_eq!(take(&format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(4))), Err(Malformed));
}

#[test]
fn headers_above_the_usual_number_are_taken_too() {
    let limits = AnswerLimits { head: 1 << 16, headers: 300 };
    let text = format!("HTTP/1.1 204 OK\r\n{}\r\n", "A: b\r\n".repeat(300));
    let mut room = HeaderMap::new();
    let begun = take_head(&mut Bytes::from(text), &Method::GET, limits, &mut room);
    let Ok(Some(Begun::Answer(answer))) = begun else { panic!("it is a head") };
    assert_eq!(answer.head.headers.get_all("a").iter().count(), 300);
}

#[test]
fn a_name_that_is_too_long_for_a_map_is_no_header() {
    let limits = AnswerLimits { head: 1 << 20, headers: 1000 };
    for (length, taken) in [((1 << 16) - 1, true), (1 << 16, false), (1 << 19, false)] {
        let text = format!("HTTP/1.1 204 OK\r\n{}: b\r\n\r\n", "a".repeat(length));
        let mut input = Bytes::from(text);
        let begun = take_head(&mut input, &Method::GET, limits, &mut HeaderMap::new());
        assert_eq!(begun.is_ok_and(|begun| begun.is_some()), taken, "{length}");
    }
}

#[test]
fn the_memory_of_the_requests_headers_is_taken_and_nothing_that_was_in_it() {
    let mut room = HeaderMap::with_capacity(64);
    let capacity = room.capacity();
    let mut input = Bytes::from_static(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n");
    let begun = take_head(&mut input, &Method::GET, LIMITS, &mut room);
    let Ok(Some(Begun::Answer(answer))) = begun else { panic!("it is a head") };
    assert_eq!((answer.head.headers.len(), answer.head.headers.capacity()), (1, capacity));
}
