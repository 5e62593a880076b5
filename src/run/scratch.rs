//! Scratch folders of the host: made for a dump that asks for one, removed after it, come what may.
