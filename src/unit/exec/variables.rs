//! Substituting variables in arguments, as systemd does when it runs a command (`replace_env_argv`,
//! src/basic/env-util.c).

use super::super::words::{WordFlags, Words};

/// The arguments with variables from the environment put in. `lookup` gives a variable's value.
///
/// `$NAME` as a whole argument becomes the words of the value, none if it is not set; `${NAME}` becomes the value
/// within its argument; `$$` becomes `$`. Forms of the shell such as `${NAME:-x}` mean nothing.
///
/// The result is none where a value that would be split cannot be: systemd then does not run the command.
pub fn expand_variables<'v>(argv: &[Vec<u8>], lookup: impl Fn(&[u8]) -> Option<&'v [u8]>) -> Option<Vec<Vec<u8>>> {
    let mut out = Vec::with_capacity(argv.len());
    for argument in argv {
        match whole_variable(argument) {
            Some(name) => out.extend(split_value(lookup(name).unwrap_or_default())?),
            None => out.push(expand_within(argument, &lookup)),
        }
    }
    Some(out)
}

fn whole_variable(argument: &[u8]) -> Option<&[u8]> {
    argument.strip_prefix(b"$").filter(|name| !matches!(name.first(), Some(b'{' | b'$')))
}

fn split_value(value: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Words::new(value);
    let mut out = Vec::new();
    while let Some(word) = words.next_word(WordFlags::RELAX | WordFlags::UNQUOTE).ok()? {
        out.push(word.text);
    }
    Some(out)
}

fn expand_within<'v>(argument: &[u8], lookup: &impl Fn(&[u8]) -> Option<&'v [u8]>) -> Vec<u8> {
    let mut out = Vec::with_capacity(argument.len());
    let mut rest = argument;
    while let Some((&byte, after)) = rest.split_first() {
        match (byte, after) {
            (b'$', [b'$', after @ ..]) => {
                out.push(b'$');
                rest = after;
            }
            (b'$', [b'{', inner @ ..]) => rest = push_braced(&mut out, inner, lookup),
            // The dollar is text, and so is what follows it.
            (b'$', [next, after @ ..]) => {
                out.extend([byte, *next]);
                rest = after;
            }
            (byte, after) => {
                out.push(byte);
                rest = after;
            }
        }
    }
    out
}

/// Writes what `${` with this after it becomes, and gives the rest. A colon before the brace makes all up to it text.
fn push_braced<'a, 'v>(out: &mut Vec<u8>, inner: &'a [u8], lookup: &impl Fn(&[u8]) -> Option<&'v [u8]>) -> &'a [u8] {
    let end = inner.iter().position(|byte| matches!(byte, b'}' | b':')).unwrap_or(inner.len());
    let (name, rest) = inner.split_at_checked(end).unwrap_or((inner, b""));
    if let Some(after) = rest.strip_prefix(b"}") {
        out.extend_from_slice(lookup(name).unwrap_or_default());
        return after;
    }
    out.extend_from_slice(b"${");
    out.extend_from_slice(name);
    out.extend(rest.first());
    rest.get(1..).unwrap_or_default()
}
