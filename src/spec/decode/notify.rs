//! `notify:`.

use super::fields::{Decoder, Field, Fields};
use super::scalar::Holds;
use crate::conduct::{Event, Mail, Method, Notice, Ntfy, Ping, Way, Webhook};
use crate::value::{Template, Value};
use std::collections::BTreeMap;

const WAYS: [&str; 4] = ["ping", "webhook", "ntfy", "mail"];

impl Decoder<'_> {
    pub(super) fn notices(&mut self, field: &Field<'_>, instances: bool) -> Vec<Notice> {
        let holds = Holds { source: false, percent: true, ..Holds::at_run(Some(instances)) };
        let items = self.items(field, false);
        items.iter().filter_map(|item| self.notice(item, holds)).collect()
    }

    fn notice(&mut self, item: &Field<'_>, holds: Holds) -> Option<Notice> {
        let mut fields = self.fields(item)?;
        let which = self.one_of(&mut fields, &WAYS, "a notice");
        let taken = WAYS.map(|way| fields.take(way, self));
        let on = fields.take("on", self).map(|f| self.events(&f));
        fields.finish(self);
        let at = WAYS.iter().position(|way| Some(*way) == which)?;
        let field = taken.into_iter().nth(at).flatten()?;
        let way = match which? {
            "ping" => Way::Ping(Ping { url: self.address_alone(&field, holds)? }),
            "webhook" => Way::Webhook(self.webhook(&field, holds)?),
            "ntfy" => Way::Ntfy(self.ntfy(&field, holds)?),
            _ => Way::Mail(self.mail(&field, holds)?),
        };
        let on = on.unwrap_or_else(|| Notice::on_default(&way));
        Some(Notice { way, on })
    }

    fn events(&mut self, field: &Field<'_>) -> Vec<Event> {
        let items = self.items(field, true);
        items.iter().filter_map(|item| self.word(item, &Event::ALL)).collect()
    }

    /// An address, or a reference to one; also `{url: …}`.
    fn address_alone(&mut self, field: &Field<'_>, holds: Holds) -> Option<Value> {
        let long = matches!(&field.node.content, crate::spec::yaml::Content::Map(entries)
            if entries.iter().any(|(key, _)| key.key() == Some("url")));
        if !long {
            return self.web_address(field, holds);
        }
        let mut fields = self.fields(field)?;
        let url = self.url(&mut fields, holds);
        fields.finish(self);
        url
    }

    fn url(&mut self, fields: &mut Fields<'_>, holds: Holds) -> Option<Value> {
        let field = fields.need("url", self, "the address, or where it is read from: `url: {env: NAME}`")?;
        self.web_address(&field, holds)
    }

    fn web_address(&mut self, field: &Field<'_>, holds: Holds) -> Option<Value> {
        let value = self.value(field, holds)?;
        if let Some(text) = value.text().map(ToString::to_string)
            && !text.starts_with("https://")
            && !text.starts_with("http://")
        {
            let message = format!("`{text}` is no address: it begins with neither `https://` nor `http://`");
            self.report.error("address-invalid", field.span(), message);
        }
        Some(value)
    }

    fn webhook(&mut self, field: &Field<'_>, holds: Holds) -> Option<Webhook> {
        let mut fields = self.fields(field)?;
        let url = self.url(&mut fields, holds);
        let methods = [("POST", Method::Post), ("PUT", Method::Put)];
        let method = fields.take("method", self).and_then(|f| self.word(&f, &methods)).unwrap_or(Method::Post);
        let headers = fields.take("headers", self).map(|f| self.headers(&f, holds)).unwrap_or_default();
        fields.finish(self);
        Some(Webhook { url: url?, method, headers })
    }

    fn headers(&mut self, field: &Field<'_>, holds: Holds) -> BTreeMap<String, Value> {
        let mut headers = BTreeMap::new();
        for (name, key, inner) in self.named(field) {
            // A token of RFC 9110, section 5.6.2.
            if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)) || name.is_empty() {
                self.report.error("name-invalid", &key.span, format!("`{name}` is no name of a header"));
                continue;
            }
            if let Some(value) = self.value(&inner, holds) {
                let telling = if name.eq_ignore_ascii_case("authorization") { "token" } else { &name };
                self.looks_like_a_secret(telling, &inner, &value);
                headers.insert(name, value);
            }
        }
        headers
    }

    fn ntfy(&mut self, field: &Field<'_>, holds: Holds) -> Option<Ntfy> {
        let mut fields = self.fields(field)?;
        let url = self.url(&mut fields, holds);
        let token = fields.take("token", self).and_then(|f| self.secret(&f, holds));
        fields.finish(self);
        Some(Ntfy { url: url?, token })
    }

    fn mail(&mut self, field: &Field<'_>, holds: Holds) -> Option<Mail> {
        let mut fields = self.fields(field)?;
        let to = fields.need("to", self, "whom to write to: `to: admin@example.org`");
        let to = to.map(|f| self.items(&f, true)).unwrap_or_default();
        let to: Vec<String> = to.iter().filter_map(|f| self.mail_address(f)).collect();
        let from = fields.take("from", self).and_then(|f| self.mail_address(&f));
        let sendmail = fields.take("sendmail", self).map(|f| self.argv(&f, holds));
        fields.finish(self);
        let sendmail = sendmail.unwrap_or_else(|| Mail::SENDMAIL_DEFAULT.map(Template::literal).to_vec());
        Some(Mail { to, from, sendmail })
    }

    /// A mailbox, or the name of a local user.
    fn mail_address(&mut self, field: &Field<'_>) -> Option<String> {
        let text = self.plain(field)?;
        let plain = text.bytes().all(|b| b.is_ascii_graphic() && !b",;<>()\"\\".contains(&b));
        if !plain || text.starts_with('-') {
            let message = format!("`{text}` is no mail address: `user@example.org` is, or a local user's name");
            self.report.error("address-invalid", field.span(), message);
            return None;
        }
        Some(text)
    }
}
