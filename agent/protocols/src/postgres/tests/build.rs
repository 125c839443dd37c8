//! Messages, byte by byte.

pub fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[tag][..], &length.to_be_bytes(), body].concat()
}

fn cstr(text: &str) -> Vec<u8> {
    [text.as_bytes(), b"\0"].concat()
}

pub fn startup(parameters: &[(&str, &str)]) -> Vec<u8> {
    startup_of(3 << 16, parameters)
}

pub fn startup_of(version: u32, parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    for (key, value) in parameters {
        body.extend([cstr(key), cstr(value)].concat());
    }
    body.push(0);
    [&u32::try_from(body.len() + 4).unwrap().to_be_bytes()[..], &body].concat()
}

/// AuthenticationOk to ReadyForQuery.
pub fn welcome() -> Vec<u8> {
    [
        message(b'R', &[0, 0, 0, 0]),
        parameter("server_version", "15.4"),
        parameter("standard_conforming_strings", "on"),
        message(b'K', &[0, 0, 0, 1, 0, 0, 0, 2]),
        ready(b'I'),
    ]
    .concat()
}

pub fn parameter(name: &str, value: &str) -> Vec<u8> {
    message(b'S', &[cstr(name), cstr(value)].concat())
}

pub fn query(text: &str) -> Vec<u8> {
    message(b'Q', &cstr(text))
}

pub fn parse(name: &str, text: &str) -> Vec<u8> {
    message(b'P', &[cstr(name), cstr(text), vec![0, 0]].concat())
}

pub fn bind(portal: &str, statement: &str) -> Vec<u8> {
    message(b'B', &[cstr(portal), cstr(statement), vec![0, 0, 0, 1, 0, 0, 0, 1, b'7', 0, 1, 0, 1]].concat())
}

pub fn describe(kind: u8, name: &str) -> Vec<u8> {
    message(b'D', &[vec![kind], cstr(name)].concat())
}

pub fn close(kind: u8, name: &str) -> Vec<u8> {
    message(b'C', &[vec![kind], cstr(name)].concat())
}

pub fn execute(portal: &str, rows: u32) -> Vec<u8> {
    message(b'E', &[cstr(portal), rows.to_be_bytes().to_vec()].concat())
}

pub fn sync() -> Vec<u8> {
    message(b'S', b"")
}

pub fn flush() -> Vec<u8> {
    message(b'H', b"")
}

/// Parse, Bind, Describe and Execute of the unnamed statement.
pub fn once(text: &str) -> Vec<u8> {
    [parse("", text), bind("", ""), describe(b'P', ""), execute("", 0)].concat()
}

pub fn ready(status: u8) -> Vec<u8> {
    message(b'Z', &[status])
}

pub fn complete(tag: &str) -> Vec<u8> {
    message(b'C', &cstr(tag))
}

pub fn columns() -> Vec<u8> {
    message(b'T', &[vec![0, 1], cstr("a"), vec![0; 16], vec![0, 0]].concat())
}

pub fn row(size: usize) -> Vec<u8> {
    let length = u32::try_from(size).unwrap().to_be_bytes();
    message(b'D', &[vec![0, 1], length.to_vec(), vec![b'x'; size]].concat())
}

pub fn rows(count: usize) -> Vec<u8> {
    [columns(), row(3).repeat(count), complete(&format!("SELECT {count}"))].concat()
}

/// The same without RowDescription, as after Execute.
pub fn executed(count: usize) -> Vec<u8> {
    [row(3).repeat(count), complete(&format!("SELECT {count}"))].concat()
}

pub fn parsed() -> Vec<u8> {
    message(b'1', b"")
}

pub fn bound() -> Vec<u8> {
    message(b'2', b"")
}

pub fn closed() -> Vec<u8> {
    message(b'3', b"")
}

pub fn no_data() -> Vec<u8> {
    message(b'n', b"")
}

/// The answer to [`once`].
pub fn answered(count: usize) -> Vec<u8> {
    [parsed(), bound(), columns(), executed(count)].concat()
}

pub fn error(code: &str) -> Vec<u8> {
    error_of("ERROR", code, "")
}

pub fn error_of(severity: &str, code: &str, more: &str) -> Vec<u8> {
    message(b'E', format!("S{severity}\0V{severity}\0C{code}\0Mno\0{more}\0").as_bytes())
}

pub fn notice() -> Vec<u8> {
    message(b'N', b"SNOTICE\0VNOTICE\0C00000\0Mwell\0\0")
}

pub fn notification() -> Vec<u8> {
    message(b'A', b"\0\0\0\x01channel\0payload\0")
}
