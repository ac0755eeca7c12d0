//! Calls of a gateway's service (UPnP Device Architecture 1.1 §3).

use super::device::Service;
use super::ssdp::Place;
use super::xml;
use crate::nat::portmap::types::{HttpRequest, PortMapError};

/// Asks for a document. In version 1.0 the answer ends with the connection, and is not cut into chunks.
pub(super) fn get(place: &Place) -> HttpRequest {
    let Place { host, path } = place;
    let payload = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    HttpRequest { to: *host, payload: payload.into_bytes() }
}

/// Calls an action of a service.
pub(super) fn call(service: &Service, action: &str, arguments: &[(&str, &str)]) -> HttpRequest {
    let name = service.name();
    let arguments: String =
        arguments.iter().map(|(name, value)| format!("<{name}>{value}</{name}>")).collect();
    let body = format!(
        "<?xml version=\"1.0\"?>\r\n\
         <s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>\
         <u:{action} xmlns:u=\"{name}\">{arguments}</u:{action}></s:Body></s:Envelope>\r\n"
    );
    let Place { host, path } = &service.control;
    let payload = format!(
        "POST {path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: text/xml; charset=\"utf-8\"\r\nContent-Length: {}\r\n\
         SOAPAction: \"{name}#{action}\"\r\n\r\n{body}",
        body.len()
    );
    HttpRequest { to: *host, payload: payload.into_bytes() }
}

/// The body of a good answer.
pub(super) fn body(answer: &[u8]) -> Result<&str, PortMapError> {
    if answer.is_empty() {
        return Err(PortMapError::TimedOut);
    }
    let text = std::str::from_utf8(answer).map_err(|_| PortMapError::Malformed)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or(PortMapError::Malformed)?;
    let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
    match status.and_then(|status| status.parse().ok()) {
        Some(200) => Ok(body),
        Some(code) => {
            // What a service refuses has a code of its own in a 500.
            let own = xml::text(body, "errorCode").and_then(|code| code.parse().ok());
            Err(PortMapError::Refused(own.unwrap_or(code)))
        }
        None => Err(PortMapError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        assert_eq!(body(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n<x/>"), Ok("<x/>"));
        let fault = b"HTTP/1.0 500 Error\r\n\r\n<e><errorCode>718</errorCode></e>";
        assert_eq!(body(fault), Err(PortMapError::Refused(718)));
        assert_eq!(body(b"HTTP/1.0 404 No\r\n\r\n"), Err(PortMapError::Refused(404)));
        assert_eq!(body(b""), Err(PortMapError::TimedOut));
        for bad in [&b"HTTP/1.0 200 OK\r\n"[..], b"SSH-2.0\r\n\r\n", b"HTTP/1.0 \xff\r\n\r\n"] {
            assert_eq!(body(bad), Err(PortMapError::Malformed));
        }
    }
}
