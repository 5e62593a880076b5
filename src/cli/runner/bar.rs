//! How far a run has come, on a terminal.

use crate::run::progress::{Picture, Progress};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often it is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// A line that is drawn again and again, until this is dropped.
pub(super) struct Bar {
    over: Arc<AtomicBool>,
    drawing: Option<JoinHandle<()>>,
}

impl Bar {
    /// Draws at the bottom of the screen; messages go above it through [`Above`].
    pub(super) fn show(progress: &Progress, screen: &MultiProgress) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (progress, screen, until) = (progress.clone(), screen.clone(), Arc::clone(&over));
        let draw = move || {
            let bar = screen.add(ProgressBar::new(0));
            while !until.load(Ordering::Relaxed) {
                draw(&bar, &progress.picture());
                std::thread::sleep(DRAW_EVERY);
            }
            bar.finish_and_clear();
            screen.remove(&bar);
        };
        let drawing = std::thread::Builder::new().name("bar".into()).spawn(draw).ok();
        Self { over, drawing }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(drawing) = self.drawing.take() {
            let _ = drawing.join();
        }
    }
}

fn draw(bar: &ProgressBar, picture: &Picture) {
    let known = picture.expected.filter(|expected| *expected > 0 && *expected >= picture.bytes);
    let template = if known.is_some() { "[{bar:24}] {percent:>3}% {msg}" } else { "{spinner} {msg}" };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    if let Some(expected) = known {
        bar.set_length(expected);
        bar.set_position(picture.bytes);
    }
    bar.set_message(picture.to_string());
    bar.tick();
}

/// Standard error above the bar.
#[derive(Debug, Clone)]
pub(super) struct Above(pub MultiProgress);

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write_all(bytes)).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
