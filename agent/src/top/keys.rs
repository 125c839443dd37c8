//! Which key, and which movement of the mouse, is what.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

/// What the user wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Rows down (or up).
    Move(isize),
    /// To the first or the last row.
    First,
    /// To the last row.
    Last,
    /// A screen down (or up).
    Leaf(isize),
    /// Opens what the cursor is at.
    Open,
    /// One page back.
    Back,
    /// To a page.
    Operations,
    /// All traces.
    Traces,
    /// The map.
    Map,
    /// Connections.
    Connections,
    /// Advice.
    Advice,
    /// Who is selected.
    Selection,
    /// Begins to type a filter.
    Filter,
    /// Types.
    Type(char),
    /// Takes the last character back.
    Erase,
    /// What was typed is right.
    Accept,
    /// What was typed is forgotten.
    Cancel,
    /// The next order.
    Sort,
    /// Stops, or goes on.
    Pause,
    /// What ended, or what is there.
    Ended,
    /// Copies the id of a trace.
    Copy,
    /// Shows or hides attributes.
    Attributes,
    /// Help.
    Help,
    /// Leaves.
    Quit,
    /// The mouse was pressed in this line.
    Press(u16),
}

/// What a key is; `typing`: a filter.
#[must_use]
pub fn of_key(key: KeyEvent, typing: bool) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c' | 'q') => Some(Action::Quit),
            KeyCode::Char('d' | 'f') => Some(Action::Leaf(1)),
            KeyCode::Char('u' | 'b') => Some(Action::Leaf(-1)),
            _ => None,
        };
    }
    if typing {
        return match key.code {
            KeyCode::Char(char) => Some(Action::Type(char)),
            KeyCode::Backspace => Some(Action::Erase),
            KeyCode::Enter => Some(Action::Accept),
            KeyCode::Esc => Some(Action::Cancel),
            _ => None,
        };
    }
    Some(match key.code {
        KeyCode::Down | KeyCode::Char('j') => Action::Move(1),
        KeyCode::Up | KeyCode::Char('k') => Action::Move(-1),
        KeyCode::PageDown => Action::Leaf(1),
        KeyCode::PageUp => Action::Leaf(-1),
        KeyCode::Home | KeyCode::Char('g') => Action::First,
        KeyCode::End | KeyCode::Char('G') => Action::Last,
        KeyCode::Enter | KeyCode::Right => Action::Open,
        KeyCode::Esc | KeyCode::Backspace | KeyCode::Left => Action::Back,
        KeyCode::Char('o') => Action::Operations,
        KeyCode::Char('w') => Action::Traces,
        KeyCode::Char('m') => Action::Map,
        KeyCode::Char('c') => Action::Connections,
        KeyCode::Char('a') => Action::Advice,
        KeyCode::Char('l') => Action::Selection,
        KeyCode::Char('/') => Action::Filter,
        KeyCode::Char('s') => Action::Sort,
        KeyCode::Char('p' | ' ') => Action::Pause,
        KeyCode::Char('t') => Action::Ended,
        KeyCode::Char('y') => Action::Copy,
        KeyCode::Tab | KeyCode::Char('i') => Action::Attributes,
        KeyCode::Char('?' | 'h') | KeyCode::F(1) => Action::Help,
        KeyCode::Char('q') => Action::Quit,
        _ => return None,
    })
}

/// What the mouse does.
#[must_use]
pub fn of_mouse(mouse: MouseEvent) -> Option<Action> {
    match mouse.kind {
        MouseEventKind::ScrollDown => Some(Action::Move(3)),
        MouseEventKind::ScrollUp => Some(Action::Move(-3)),
        MouseEventKind::Down(MouseButton::Left) => Some(Action::Press(mouse.row)),
        MouseEventKind::Down(MouseButton::Right) => Some(Action::Back),
        _ => None,
    }
}
