/** Publications of one presentity at once (readings, SIP hop 9): each takes part in every composition. */
export const PUBLICATIONS_MAX = 16
/** Subscriptions to one presentity at once (readings, SIP hop 9): each is told of every change. */
export const SUBSCRIPTIONS_MAX = 10_000
/** Body of a PUBLISH (readings, SIP hop 9). */
export const PUBLISH_BODY_BYTES_MAX = 32_768

/** Granted to who asks for nothing (RFC 3856 section 6.4, RFC 3903 section 4). */
export const EXPIRES_SECONDS_DEFAULT = 3_600
/** A SUBSCRIBE for this long or longer is never too brief (RFC 6665 section 4.2.1.1). */
export const EXPIRES_SECONDS_NEVER_TOO_BRIEF = 3_600
/** When one of too many publications or subscriptions may have run out: asked to wait so long. */
export const FULL_RETRY_AFTER_SECONDS = 60

/** Granted to an S-CSCF that asks for no time (RFC 3261 section 10.2.1.1). */
export const REGISTRATION_SECONDS_DEFAULT = 3_600
/** A registration is kept for at most so long: past what any S-CSCF grants (readings, SIP hop 9). */
export const REGISTRATION_SECONDS_MAX = 2_592_000
/** So long it is remembered that a registration has ended: a REGISTER from before that may be under way still. */
export const REGISTRATION_END_KEPT_MS = 600_000

/** Changes in one record: the expiry of a crowd is written in several, so that no record outgrows the log's limit. */
export const CHANGES_PER_RECORD_MAX = 1_000
/** Watchers in one watcher information document: more would not fit into the body of a SIP message. */
export const WINFO_WATCHERS_MAX = 250
/** Watchers who wait for a presentity's word without a subscription: these have room in each document. */
export const WAITING_WATCHERS_MAX = 50
/** Watchers that have gone, kept for the next watcher information document while one is under way. */
export const WINFO_TERMINATED_MAX = 100

/** NOTIFY CSeqs of one owner in one dialog (ARCHITECTURE, decision 4): the next owner begins one stride higher. */
export const NOTIFY_CSEQ_STRIDE = 0x1_0000
/** A dialog whose NOTIFY CSeq came this near to 2^31 is ended: its watcher makes a new one (RFC 3261 section 8.1.1.5). */
export const NOTIFY_CSEQ_MAX = 0x8000_0000 - 2 * NOTIFY_CSEQ_STRIDE

/** Presentities with something to remember in one partition: with 16 of them 4 million in all, past any process's memory. */
export const PRESENTITIES_PER_PARTITION_MAX = 250_000
/** Subscriptions in one partition. */
export const SUBSCRIPTIONS_PER_PARTITION_MAX = 1_000_000
/** Octets of published documents in one partition: they are kept as they came. */
export const BODY_OCTETS_PER_PARTITION_MAX = 256 * 1024 * 1024

/** Changes of documents that wait to be told in one dialog; beyond that each document is told once, as it is at last. */
export const DOCUMENT_STEPS_MAX = 64

/** Subscriptions of one user to her documents at once: each is told of every change, and has a selection of its own. */
export const DOCUMENT_SUBSCRIPTIONS_MAX = 32
/** What one of them names, and in octets: all of it stays in memory and in the log. */
export const SELECTORS_MAX = 32
export const SELECTOR_OCTETS_MAX = 4_096
/** What tells of documents: what is larger says less, since no node takes a message of more than 64 KiB. */
export const DOCUMENTS_BODY_BYTES_MAX = 49_152
/** Octets of documents that are compared for the patches of one body; the changes after that go without. */
export const PATCHED_OCTETS_MAX = 524_288

/** XCAP documents of one user: of each kind there is one name or two. */
export const DOCUMENTS_MAX = 16
