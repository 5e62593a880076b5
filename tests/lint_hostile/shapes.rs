//! Texts, and sets of files, of any size: each repeats something that a linter might look at again and again.

/// A file: its path and its text.
pub type File = (String, Vec<u8>);

/// A way to fill so many bytes.
pub struct Shape {
    pub name: String,
    make: Box<dyn Fn(usize) -> Vec<File>>,
}

impl Shape {
    /// Files that have about so many bytes together.
    pub fn files(&self, bytes: usize) -> Vec<File> {
        (self.make)(bytes)
    }
}

/// What is repeated within one file: its name, what stands before, what is repeated with `{n}` counting, and after.
type Row = (&'static str, &'static str, &'static str, &'static str);

/// One file each.
#[rustfmt::skip]
const FILES: &[Row] = &[
    // Lines and sections.
    ("a.service", "", "x", ""),
    ("a.service", "", "\n", ""),
    ("a.service", "", "[", ""),
    ("a.service", "[Service]\n", "=", ""),
    ("a.service", "[Service]\n", "\u{e9}", "=x\n"),
    ("a.service", "[Service]\nExecStart=/x ", "\u{1f514}", ""),
    ("a.service", "", "[Service]\n", ""),
    ("a.service", "", "[Servise{n}]\n", ""),
    ("a.service", "", "[Timer]\nOnBootSec={n}\n", ""),
    ("a.service", "[", "Servise", "]\n"),
    ("a.service", "", "\r\n", ""),
    ("a.service", "[Service]\n", "A=\r\n", ""),
    ("a.service", "[Service]\n", "A=b\0", ""),
    ("a.service", "", "\u{feff}", ""),
    ("a.service", "[Service]\n", "no assignment\n", ""),
    ("a.service", "", "# a comment\n", "[Service]\n"),
    ("a.service", "", "# a comment \\\n", "[Service]\n"),
    ("a.service", "[Unit]\nDescription=", "x", "\n"),
    // Keys.
    ("a.service", "[Service]\n", "A=\n", ""),
    ("a.service", "[Service]\n", "Key{n}=x\n", ""),
    ("a.service", "[Service]\n", "ExecStrat=/x\n", ""),
    ("a.service", "[Service]\n", "OnCalendar=daily\n", ""),
    ("a.service", "[Service]\n", "Type=oneshot\n", ""),
    ("a.service", "[Service]\n", "Nice={n}\n", ""),
    ("a.service", "[Service]\n", "MemoryMax={n}Q\nPrivateTmp=maybe{n}\nUMask=0\nTimeoutSec={n}parsecs\n", ""),
    ("a.service", "[Service]\n", "MemoryLimit=1G\nReadWriteDirectories=/x{n}\n", ""),
    ("a.service", "[Service]\n", "EnvironmentFile=x{n}\nUser='a'\nKillSignal=x\n", ""),
    ("a.service", "[X-Mine]\n", "Key{n}=x\n", ""),
    // Continuations.
    ("a.service", "[Service]\nExecStart=/x", " \\\n a", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "a\\\n", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "a\\\nb", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "\\\n# c\n", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "\\\nUser=a ", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "\\\n", ""),
    ("a.service", "[Service]\nExecStart=/x ", "a\\\\\n", ""),
    ("a.service", "[Service]\nExecStart=/x ", "a\\ \n", ""),
    // Commands.
    ("a.service", "[Service]\nType=oneshot\n", "ExecStart=/x\n", ""),
    ("a.service", "[Service]\n", "ExecStart=x\n", ""),
    ("a.service", "[Service]\nExecStart=/x", " ; /x", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "a ", "\n"),
    ("a.service", "[Service]\nExecStart=/x", "/", "\n"),
    ("a.service", "[Service]\nExecStart=", "-@:+!", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "'", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "\"'\"' ", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "a\"b\"", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "\\", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "\\q", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "\\q ", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "\\x41", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "\\; ", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "$", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "${", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "${A{n}} ", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "${A:-x} ", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "${PASSWORD} ", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "--password=x{n} ", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "${TOKEN} --password=x ", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "$(a) ", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "`", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "| ", "\n"),
    ("a.service", "[Service]\nExecStart=/bin/sh -c '", "a | ", "'\n"),
    ("a.service", "[Service]\nExecStart=/bin/sh ", "sh -c ", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "sync --delete ", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "http://a:b@c ", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "http://", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "%", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "%%", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "%i ", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "%q ", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "%z ", "\n"),
    ("a.service", "[Service]\nExecStart=/x ", "+%Y-%m ", "\n"),
    // Environments.
    ("a.service", "[Service]\n", "Environment=A{n}=b\n", ""),
    ("a.service", "[Service]\nEnvironment=", "A{n}=b ", "\n"),
    ("a.service", "[Service]\nEnvironment=", "A=$(b) ", "\n"),
    ("a.service", "[Service]\nEnvironment=", "nothing ", "\n"),
    ("a.service", "[Service]\nEnvironment=", "\\q=\\w ", "\n"),
    ("a.service", "[Service]\nEnvironment=\"A=", "%z", "\"\n"),
    ("a.service", "[Service]\nEnvironment=", "PASSWORD=x ", "\n"),
    ("a.service", "[Service]\n", "Environment=A{n}=`a``b`\nExecStart=/x ${A{n}} ${A{n}}\n", ""),
    ("a.service", "[Service]\n", "Environment=PASSWORD=x\nEnvironment=X=http://a:b@c\n", ""),
    // Names and dependencies.
    ("a.service", "[Unit]\nAfter=", "b{n}.service ", "\n"),
    ("a.service", "[Unit]\nRequires=", "b{n}.service ", "\n"),
    ("a.service", "[Unit]\nRequires=", "b{n}@%i.service ", "\n"),
    ("a@b.service", "[Unit]\nRequires=", "b{n}@%i.service ", "\n"),
    ("a.service", "[Unit]\n", "After=b{n}.service\nRequires=b{n}.service\n", ""),
    ("a.service", "[Unit]\n", "Conflicts=b{n}.service\nRequires=b{n}.service\n", ""),
    ("a.service", "[Unit]\nRequires=", "a.service ", "\n"),
    ("a.service", "[Unit]\nAfter=", "b{n} ", "\n"),
    ("a.service", "[Unit]\nAfter=", "b", ".service\n"),
    ("a.service", "[Install]\nAlias=", "b{n}.timer ", "\n"),
    ("a.service", "[Unit]\nDocumentation=", "x{n} ", "\n"),
    ("a.service", "[Service]\nReadWritePaths=", "/var/lib/a{n} ", "\n"),
    ("a.service", "[Service]\n", "ReadWritePaths=/var/lib/a{n}\nStateDirectory=b{n}\n", ""),
    ("a.service", "[Service]\nReadWritePaths=", "a{n} ", "\n"),
    // Timers.
    ("a.timer", "[Timer]\n", "OnBootSec={n}\nOnUnitActiveSec=1\n", ""),
    ("a.timer", "[Timer]\n", "OnCalendar=Mon *-*-* 00:00:0{n}\n", ""),
    ("a.timer", "[Timer]\n", "OnCalendar=garbage{n}\n", ""),
    ("a.timer", "[Timer]\nOnCalendar=", "1,", "\n"),
    ("a.timer", "[Timer]\nOnCalendar=*-*-* 0:", "0/1,", "0\n"),
    ("a.timer", "[Timer]\nOnBootSec=", "1s ", "\n"),
    ("a.timer", "[Timer]\nOnBootSec=", "1parsec ", "\n"),
    ("a.timer", "[Timer]\n", "Unit=a{n}.timer\n", ""),
    ("a.socket", "[Socket]\n", "ListenStream={n}\n", ""),
    ("a.path", "[Path]\n", "PathExists=x{n}\n", ""),
    ("a.mount", "[Mount]\nWhere=", "/a", "\n"),
    // fleet.
    ("a@.service", "[X-Fleet]\n", "Conflicts=a@{n}.service\n", ""),
    ("a@.service", "[X-Fleet]\n", "Conflicts=a@{n}.service\nMachineOf=b@{n}.service\n", ""),
    ("a@.service", "[X-Fleet]\nConflicts=", "a@{n}.service ", "\n"),
    ("a@.service", "[X-Fleet]\nMachineOf=b.service\nConflicts=", "*a", "b\n"),
    ("a@.service", "[X-Fleet]\n", "Conflicts=*a*b{n}\nMachineOf=aaaaaaa{n}\n", ""),
    ("a@.service", "[X-Fleet]\n", "Replaces=a{n}*\n", ""),
    ("a@.service", "[X-Fleet]\n", "MachineMetadata=a{n}=b\n", ""),
    ("a@.service", "[X-Fleet]\nMachineMetadata=", "\"a=b\" ", "\"c=d\"\n"),
    ("a@.service", "[X-Fleet]\nMachineMetadata=", "a=b ", "\n"),
    ("a@.service", "[X-Fleet]\n", "MachineID={n}\nGlobal=perhaps\n", ""),
    ("a@.service", "[X-Fleet]\n", "Machineof={n}%z\n", ""),
    ("a@.service", "[X-Fleet]\n", "\u{e9}", "=x\n"),
    ("a@.service", "[Unit]\nRequires=", "b@{n}.service ", "\n[X-Fleet]\nMachineOf=c.service\n"),
    ("a@.service", "[Unit]\n", "Requires=b@{n}.service\n[X-Fleet]\nMachineOf=c@{n}.service\n[Unit]\n", ""),
    ("a@.service", "[X-Fleet]\nConflicts=", "[", "\n"),
    // Comments to us.
    ("a.service", "[Service]\n", "# eightbells: allow bad-word reason\n", "Type=x\n"),
    ("a.service", "[Service]\n", "# eightbells: allow bad-word reason\nType=x{n}\n", ""),
    ("a.service", "[Service]\n", "# eightbells: allow-file bad-word reason\nType=x\n", ""),
    ("a.service", "[Service]\n", "# eightbells: allow bad-wrod{n}\n", "Type=x\n"),
    ("a.service", "[Service]\n# eightbells: allow ", "bad-word", " reason\n"),
    ("a.service", "[Service]\n# eightbells: allow ", "\u{e9}", " reason\n"),
];

/// Many files: for each the path and the text, `{n}` counting, `{m}` one more, going back to 0 at the end.
type Set = (&'static str, &'static [(&'static str, &'static str)]);

#[rustfmt::skip]
const SETS: &[Set] = &[
    ("drop-ins of one unit", &[("a.service.d/{n}.conf", "[Service]\nNice={n}\n")]),
    ("drop-ins with commands", &[("a.service.d/{n}.conf", "[Service]\nExecStart=\nExecStart=/x {n}\nEnvironment=A{n}=b\n")]),
    ("drop-ins of a unit each", &[("a{n}.service.d/10.conf", "[Service]\nNice=1\n")]),
    ("empty files", &[("a{n}.service", "")]),
    ("one circle", &[("a{n}.service", "[Unit]\nAfter=a{m}.service\n[Service]\nExecStart=/x\n")]),
    ("one circle of names that are near", &[("a{n}.service", "[Unit]\nBefore=a{m}.service\nRequires=a{m}.service\n")]),
    ("circles of two", &[("a{n}.service", "[Unit]\nAfter=b{n}.service\n"), ("b{n}.service", "[Unit]\nAfter=a{n}.service\n")]),
    ("a chain between two circles", &[("a{n}.service", "[Unit]\nAfter=a{m}.service c.service\n"), ("c.service", "[Unit]\nAfter=d.service\n"), ("d.service", "[Unit]\nAfter=c.service\n")]),
    ("all wait for one", &[("a{n}.service", "[Unit]\nRequires=b.service\n"), ("b.service", "[Unit]\nAfter=a{n}.service\n")]),
    ("one name in many folders", &[("f{n}/a.service", "[Unit]\nRequires=b.service\n"), ("f{n}/b.service", "[Unit]\nAfter=a.service\n")]),
    ("timers without units", &[("a{n}.timer", "[Timer]\nOnUnitActiveSec=1h\n")]),
    ("timers of one unit", &[("a{n}.timer", "[Timer]\nOnBootSec=1\nUnit=b.service\n"), ("b.service", "[Service]\nExecStart=/x\n")]),
    ("instances of a template", &[("a@{n}.service", "[Unit]\nAfter=a@{m}.service\n"), ("a@.service", "[Service]\nExecStart=/x %i\n")]),
    ("names that are none", &[("a b{n}.service", "[Service]\nExecStart=/x\n"), ("c{n}", "[Service]\n")]),
    ("units of fleet", &[("a{n}@.service", "[Service]\nExecStart=/x\n[X-Fleet]\nMachineOf=a{m}@%i.service\nConflicts=a{n}@*.service\n")]),
    ("the article's faults", &[("a{n}.service", "[Unit]\nRequires=a{m}.service\n[Service]\nType=oneshot\nEnvironment=A=$(date)\nExecStart=/x ${A} | gzip\nWatchdogSec=1\n[Install]\nWantedBy=x\n")]),
];

pub fn shapes() -> Vec<Shape> {
    let files = FILES.iter().map(|row| Shape { name: name(row), make: Box::new(|bytes| vec![file(row, bytes)]) });
    let sets = SETS.iter().map(|set| Shape { name: set.0.to_owned(), make: Box::new(|bytes| set_of(set.1, bytes)) });
    files.chain(sets).chain([two_that_require_each_other(), not_utf8(), long_path()]).collect()
}

fn name((_, before, again, after): &Row) -> String {
    let shown = |text: &str| text.escape_debug().take(30).collect::<String>();
    format!("{} {}… {}", shown(before), shown(again), shown(after))
}

fn file((path, before, again, after): &Row, bytes: usize) -> File {
    (path.to_string(), [before.as_bytes(), repeated(again, bytes).as_bytes(), after.as_bytes()].concat())
}

fn repeated(again: &str, bytes: usize) -> String {
    if !again.contains("{n}") {
        return again.repeat(bytes / again.len());
    }
    let mut text = String::with_capacity(bytes);
    for number in 0.. {
        let one = again.replace("{n}", &number.to_string());
        if text.len() + one.len() > bytes {
            break;
        }
        text += &one;
    }
    text
}

/// A file counts for no less, however little is in it: something must name it.
const FILE_MIN_BYTES: usize = 128;

/// Texts of one path are put one after another.
fn set_of(kinds: &[(&str, &str)], bytes: usize) -> Vec<File> {
    let size: usize = kinds.iter().map(|(path, text)| (path.len() + text.len()).max(FILE_MIN_BYTES)).sum();
    let count = bytes / size;
    let mut files: Vec<File> = Vec::new();
    for (path, text) in kinds {
        for number in 0..count {
            let fill = |text: &str| {
                text.replace("{n}", &number.to_string()).replace("{m}", &((number + 1) % count).to_string())
            };
            match files.last_mut() {
                Some((last, whole)) if *last == fill(path) => whole.extend_from_slice(fill(text).as_bytes()),
                _ => files.push((fill(path), fill(text).into_bytes())),
            }
        }
    }
    files
}

fn two_that_require_each_other() -> Shape {
    let make = |bytes: usize| {
        let words = |word: &str| word.repeat(bytes / 2 / word.len());
        vec![
            ("a.service".to_owned(), format!("[Unit]\nRequires={}\n", words("b.service ")).into_bytes()),
            ("b.service".to_owned(), format!("[Unit]\nAfter={}\n", repeated("x{n}.service ", bytes / 2)).into_bytes()),
        ]
    };
    Shape { name: "a requires b very often".to_owned(), make: Box::new(make) }
}

fn not_utf8() -> Shape {
    let make =
        |bytes: usize| vec![("a.service".to_owned(), [b"[Service]\n# ".as_slice(), &vec![0xff; bytes]].concat())];
    Shape { name: "bytes that are no UTF-8".to_owned(), make: Box::new(make) }
}

fn long_path() -> Shape {
    let make = |bytes: usize| vec![(format!("{}.service", "a/b".repeat(bytes / 3)), b"[Service]\n".to_vec())];
    Shape { name: "a path of a megabyte".to_owned(), make: Box::new(make) }
}
