//! Child processes: in a process group of their own, watched, and ended as a group.
