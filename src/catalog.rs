//! The catalog: one JSON document per tenant, its stores, its commits and their history, and what is published from it.
//!
//! [`Catalog`] is the door. It reads the tenant's [`Document`] and changes it by [`Catalog::commit`], over any
//! [`Store`]; a store knows bytes and version tokens, and nothing of what they mean.
//!
//! # What users may rely on
//!
//! - The document is always a whole one: the one before a commit or the one after it. A commit is a compare-and-swap
//!   on exactly what was read; whoever loses reads again, applies the change again and tries again, for as long as
//!   it takes.
//! - A document that cannot be understood is refused and never overwritten: unparsable, of a newer schema version,
//!   of another tenant, or with a field this version does not know. The last is refused rather than carried along:
//!   a typing error of a hand edit shows at once, and there is no half-understood document. Every field added later
//!   therefore raises the schema version.
//! - Reading writes nothing, not even a directory or a lock file.
//! - Publications follow the document, never the other way round: what is wrong with them is a warning of a commit that
//!   is made all the same, and [`Catalog::in_sync`] tells.
//!
//! # Crash points
//!
//! Two files make a commit: the document and `history/<version>.json`. They cannot change at once, so the document
//! carries the history [`Entry`] of its own version, and the order is:
//!
//! 1. write the entry of the version that was read, if its file is missing;
//! 2. swap the document, new entry inside: this is the commit;
//! 3. write the new entry's file.
//!
//! A crash before 2 leaves the old version and its entry; a crash after 2 leaves the new version with its entry in
//! the document, and step 1 of the next commit writes the file. [`Catalog::history`] reads the document's entry
//! too, so the record is complete at every moment: no hole, and nothing recorded that did not happen. An entry's
//! file is never replaced by another entry. A document that was deleted or put back to older content by hand goes on
//! above the last recorded version, and [`Entry::previous`] shows what it was based on.
//!
//! The entry's random [`Entry::id`] tells a writer whether a swap of unknown outcome was in fact made: its document
//! is there, or, if others have committed on top, its entry is in the history by their step 1.
//!
//! # Publications
//!
//! Once the document is committed, the files of all workspaces are made what it says, also where the commit changed
//! nothing: that is how an apply repairs. So after the three steps above:
//!
//! 4. write each file that differs, as a whole;
//! 5. remove files that no workspace asks for any more.
//!
//! A crash before or within 4 and 5 leaves whole files of this or an earlier version and some that are left over. The
//! next plan shows `in_sync = false`, and the next commit, of whatever, begins with 4 again.
//!
//! **Never older over newer.** Files are written under the same lock as the document, and only while the document still
//! has the token of the version that they were rendered from ([`Store::publish`]). Whoever finds another one there
//! leaves the rest to its writer and says nothing: that one publishes, or dies and leaves it to the next commit. So a
//! file never goes back, and what is compared after a swap cannot be replaced by an older version later.
//!
//! **Only what is ours is removed:** regular files with the name of a format, where workspaces have theirs, and
//! directories that are empty then. What a format cannot render stays as it was published before.
//!
//! **Cheap.** A process remembers what it published last. While the document is still the one it was published from, a
//! commit renders only workspaces that its change can reach, and looks once at a list of what is there to see that the
//! files of the others are as they were. Anything else found there, an edit by hand or another writer's commit in between,
//! makes it render and compare them.
//!
//! # Group commit
//!
//! One writer task per [`Catalog`] gathers the changes that wait and commits them as one version. It begins when a moment
//! has passed in which none came and none is [expected](Catalog::expect_commit), and after half a second at most; a moment
//! is as long as the last commit took, within bounds. A change that
//! fails, fails alone, and leaves nothing of itself behind. Dropping the future of a commit before its change was
//! applied cancels it; later, the write is finished whole all the same. A caller that is to stop
//! ([`Catalog::commit_unless_stopped`]) gives up what waits, for the lock of a process that hangs too, and is told
//! which it was.

mod commit;
mod disk;
mod document;
mod history;
mod location;
mod preview;
mod publishing;
mod s3;
mod store;

pub use commit::{
    Catalog, CommitError, Committed, Expected, HistoryError, OpenError, ReadError, WriteError,
};
pub use disk::Disk;
pub use document::{Document, DocumentError, SCHEMA_VERSION};
pub use history::{
    Action, Change, Entry, EntryError, Event, ObjectChange, SettingChange, Who, changes, random_id,
};
pub use location::{Location, LocationError};
pub use preview::Preview;
pub use publishing::PublicationWarning;
pub use s3::{
    Connect, NotConnected, REQUIRED_KEY_ACTIONS, REQUIRED_S3_ACTIONS, S3, S3Error, S3Place,
};
pub use store::{
    Checked, Digest, Failure, ListHistoryError, Listed, PublicationChange, Published,
    ReadDocumentError, ReadHistoryError, Reading, Reservation, Store, Stored, Swap,
    SwapDocumentError, Token, WriteHistoryError,
};
