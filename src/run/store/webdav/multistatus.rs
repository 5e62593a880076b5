//! A server's answer to PROPFIND (RFC 4918, 13 and 14).

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::Event;

/// What a server tells of one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Resource {
    /// Its address or path, escaped as in an address.
    pub(super) href: String,
    /// Whether it is a folder.
    pub(super) collection: bool,
    /// Its length in bytes.
    pub(super) length: Option<u64>,
    /// How many bytes there is room for.
    pub(super) available: Option<u64>,
}

/// Why an answer is none.
#[derive(Debug, thiserror::Error)]
#[error("the answer is no WebDAV multistatus: {0}")]
pub(super) struct NoMultistatus(String);

/// Every resource of an answer, in its order. Names count without their namespace's prefix.
pub(super) fn parse(xml: &str) -> Result<Vec<Resource>, NoMultistatus> {
    let failed = |error: quick_xml::Error| NoMultistatus(error.to_string());
    let mut reader = Reader::from_str(xml);
    let (mut found, mut now, mut text) = (vec![], None::<Resource>, String::new());
    let mut is_multistatus = false;
    loop {
        match reader.read_event().map_err(failed)? {
            Event::Start(tag) => {
                text.clear();
                match tag.local_name().as_ref() {
                    b"multistatus" => is_multistatus = true,
                    b"response" => now = Some(Resource::default()),
                    b"collection" => mark(&mut now),
                    _ => {}
                }
            }
            Event::Empty(tag) => match tag.local_name().as_ref() {
                b"multistatus" => is_multistatus = true,
                b"collection" => mark(&mut now),
                _ => {}
            },
            Event::Text(piece) => text.push_str(&String::from_utf8_lossy(&piece)),
            Event::CData(piece) => text.push_str(&String::from_utf8_lossy(&piece)),
            Event::GeneralRef(name) => text.push_str(&resolved(&name)),
            Event::End(tag) => match tag.local_name().as_ref() {
                b"response" => found.extend(now.take()),
                name => fill(&mut now, name, text.trim()),
            },
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    if is_multistatus { Ok(found) } else { Err(NoMultistatus("it holds no such element".into())) }
}

/// `&amp;` and its like, `&#228;` too.
fn resolved(name: &[u8]) -> String {
    let reference = format!("&{};", String::from_utf8_lossy(name));
    unescape(&reference).map(std::borrow::Cow::into_owned).unwrap_or_default()
}

fn mark(now: &mut Option<Resource>) {
    if let Some(resource) = now {
        resource.collection = true;
    }
}

fn fill(now: &mut Option<Resource>, name: &[u8], text: &str) {
    let Some(resource) = now else { return };
    match name {
        // A response has one; others stand in properties.
        b"href" if resource.href.is_empty() => text.clone_into(&mut resource.href),
        b"getcontentlength" => resource.length = text.parse().ok(),
        b"quota-available-bytes" => resource.available = text.parse().ok(),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_whatever_their_prefixes_are() {
        let xml = "<?xml version=\"1.0\"?><d:multistatus xmlns:d=\"DAV:\"><d:response><d:href>/a/</d:href><d:propstat><d:prop>\
            <d:resourcetype><d:collection/></d:resourcetype></d:prop></d:propstat></d:response>\
            <d:response><d:href>/a/x%20&amp;&#228;</d:href><d:prop><lp1:getcontentlength xmlns:lp1=\"DAV:\">7</lp1:getcontentlength>\
            <d:resourcetype></d:resourcetype></d:prop></d:response></d:multistatus>";
        let found = parse(xml).unwrap();
        assert_eq!(found.len(), 2);
        assert!(found[0].collection && !found[1].collection);
        assert_eq!((found[1].href.as_str(), found[1].length), ("/a/x%20&ä", Some(7)));
    }

    #[test]
    fn what_is_no_multistatus_is_told() {
        for text in ["", "<html>no</html>", "<a", "{}"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("<multistatus/>").unwrap(), []);
    }
}
