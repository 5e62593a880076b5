//! What surrounds a run: `hooks:`, `wait:`.

use super::fields::{Decoder, Fields};
use crate::conduct::Conduct;

impl Decoder<'_> {
    pub(super) fn conduct(&mut self, fields: &mut Fields<'_>, instances: bool) -> Conduct {
        let hooks = fields.take("hooks", self).map(|f| self.hooks(&f, instances, false)).unwrap_or_default();
        let wait = fields.take("wait", self).and_then(|f| self.duration(&f));
        Conduct { hooks, wait }
    }
}
