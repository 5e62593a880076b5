//! A server's lists of uploads in parts and of an upload's parts (docs.aws.amazon.com, `ListMultipartUploads`, `ListParts`).

use jiff::Timestamp;
use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::Event;

/// An upload that is neither complete nor aborted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Begun {
    pub(super) key: String,
    pub(super) id: String,
    /// When the server says it was begun; none where it does not.
    pub(super) at: Option<Timestamp>,
}

/// A page of uploads.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) begun: Vec<Begun>,
    /// After which key and which upload the next page begins.
    pub(super) next: Option<(String, String)>,
}

/// A page of an upload's parts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PartsPage {
    /// When the last of them came.
    pub(super) last: Option<Timestamp>,
    /// After which number the next page begins.
    pub(super) next: Option<String>,
}

/// Why an answer is no list.
#[derive(Debug, thiserror::Error)]
#[error("the answer is no list of S3's: {0}")]
pub(super) struct NoList(String);

/// Every element that holds text, with the name of what it stands in.
fn elements(xml: &str, mut each: impl FnMut(&str, &str, &str)) -> Result<(), NoList> {
    let mut reader = Reader::from_str(xml);
    let (mut open, mut text) = (Vec::<String>::new(), String::new());
    loop {
        match reader.read_event().map_err(|error| NoList(error.to_string()))? {
            Event::Start(tag) => {
                text.clear();
                open.push(String::from_utf8_lossy(tag.local_name().as_ref()).into_owned());
            }
            Event::Text(piece) => text.push_str(&String::from_utf8_lossy(&piece)),
            Event::CData(piece) => text.push_str(&String::from_utf8_lossy(&piece)),
            Event::GeneralRef(name) => {
                let reference = format!("&{};", String::from_utf8_lossy(&name));
                text.push_str(&unescape(&reference).unwrap_or_default());
            }
            Event::End(_) => {
                let name = open.pop().unwrap_or_default();
                each(open.last().map_or("", String::as_str), &name, text.trim());
                text.clear();
            }
            Event::Eof => break,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    if open.is_empty() { Ok(()) } else { Err(NoList("it ends too early".into())) }
}

pub(super) fn read_page(xml: &str) -> Result<Page, NoList> {
    let (mut page, mut now, mut is_list, mut more) = (Page::default(), Begun::default(), false, false);
    let (mut key, mut id) = (String::new(), String::new());
    elements(xml, |parent, name, text| match (parent, name) {
        ("Upload", "Key") => text.clone_into(&mut now.key),
        ("Upload", "UploadId") => text.clone_into(&mut now.id),
        ("Upload", "Initiated") => now.at = text.parse().ok(),
        (_, "Upload") => page.begun.push(std::mem::take(&mut now)),
        (_, "IsTruncated") => more = text == "true",
        (_, "NextKeyMarker") => text.clone_into(&mut key),
        (_, "NextUploadIdMarker") => text.clone_into(&mut id),
        ("", "ListMultipartUploadsResult") => is_list = true,
        _ => {}
    })?;
    page.next = (more && !key.is_empty()).then_some((key, id));
    if is_list { Ok(page) } else { Err(NoList("it holds no such element".into())) }
}

pub(super) fn read_parts(xml: &str) -> Result<PartsPage, NoList> {
    let (mut page, mut is_list, mut more, mut next) = (PartsPage::default(), false, false, String::new());
    elements(xml, |parent, name, text| match (parent, name) {
        ("Part", "LastModified") => page.last = page.last.max(text.parse().ok()),
        (_, "IsTruncated") => more = text == "true",
        (_, "NextPartNumberMarker") => text.clone_into(&mut next),
        // Some servers call it a response.
        ("", "ListPartsResult" | "ListPartsResponse") => is_list = true,
        _ => {}
    })?;
    page.next = (more && !next.is_empty()).then_some(next);
    if is_list { Ok(page) } else { Err(NoList("it holds no such element".into())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_uploads_is_read_and_says_where_the_next_begins() {
        let xml = "<?xml version=\"1.0\"?><ListMultipartUploadsResult xmlns=\"x\"><IsTruncated>true</IsTruncated>\
             <NextKeyMarker>p/a&amp;b</NextKeyMarker><NextUploadIdMarker>i2</NextUploadIdMarker><Upload><Key>p/a&amp;b</Key>\
             <UploadId>i1</UploadId><Initiator><ID>Key</ID></Initiator><Initiated>2026-11-25T01:02:03.000Z</Initiated>\
             </Upload><Upload><Key>q</Key><UploadId>i2</UploadId><Initiated>x</Initiated></Upload>\
             </ListMultipartUploadsResult>";
        let page = read_page(xml).unwrap();
        assert_eq!(page.next, Some(("p/a&b".into(), "i2".into())));
        let at = "2026-11-25T01:02:03Z".parse().ok();
        let first = Begun { key: "p/a&b".into(), id: "i1".into(), at };
        assert_eq!(page.begun, [first, Begun { key: "q".into(), id: "i2".into(), at: None }]);
    }

    #[test]
    fn the_last_part_is_the_youngest() {
        let part = |at: &str| format!("<Part><PartNumber>1</PartNumber><LastModified>{at}</LastModified></Part>");
        let (one, two) = (part("2026-11-25T01:02:03Z"), part("2026-11-24T01:02:03Z"));
        let page = read_parts(&format!("<ListPartsResult>{one}{two}</ListPartsResult>")).unwrap();
        assert_eq!(page, PartsPage { last: "2026-11-25T01:02:03Z".parse().ok(), next: None });
    }

    #[test]
    fn other_answers_are_no_lists() {
        for xml in ["", "<html></html>", "<ListMultipartUploadsResult><Upload>", "<a></b>"] {
            assert!(read_page(xml).is_err(), "{xml}");
            assert!(read_parts(xml).is_err(), "{xml}");
        }
    }
}
