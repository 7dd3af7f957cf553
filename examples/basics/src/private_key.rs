//! A value under a private key: found under that key, and not under another of the same type and name.

use std::io::{self, Write};

use purview::{Context, Key};

/// The user's identity. Its key is private, so only this module can set it, and nobody can forge it.
pub mod identity {
    use purview::{Context, Key};

    static USER: Key<String> = Key::new("user");

    /// A context that knows its user.
    pub fn with_user(ctx: &Context, name: &str) -> Context {
        ctx.with_value(&USER, name.to_owned())
    }

    /// The user of this context, if it has one.
    pub fn user(ctx: &Context) -> Option<&str> {
        ctx.value(&USER).map(String::as_str)
    }
}

/// Another module's key, of the same type and even of the same name. The static is the identity, not the name.
static USER: Key<String> = Key::new("user");

/// What each key finds in a context: the private one, and the other.
pub fn look_up(ctx: &Context) -> (Option<&str>, Option<&str>) {
    (identity::user(ctx), ctx.value(&USER).map(String::as_str))
}

/// Runs the program. It waits for nothing, so it has no async form of its own: a value is looked up alike in both.
pub fn run(out: &mut dyn Write) -> io::Result<()> {
    let root = Context::background();
    let ctx = identity::with_user(&root, "ada");
    // Handed on to what is called, however deep and whatever is derived on the way.
    let (deeper, _cancel) = ctx.named("deeper").with_cancel();

    tell(out, "before it is set", &root)?;
    tell(out, "after", &ctx)?;
    tell(out, "deeper", &deeper)?;
    // The chain names the value, and shows none whose key does not ask for it.
    writeln!(out, "the chain: {deeper}")
}

fn tell(out: &mut dyn Write, place: &str, ctx: &Context) -> io::Result<()> {
    let (private, other) = look_up(ctx);
    writeln!(out, "{place}: under the private key {private:?}, under the other {other:?}")
}
