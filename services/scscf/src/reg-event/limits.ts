/** Subscription of who does not say (RFC 3680 section 4.3). */
export const EXPIRES_SECONDS_DEFAULT = 3_761
/** Longest: longer than the longest registration, as a P-CSCF asks for (TS 24.229 clause 5.2.3). */
export const EXPIRES_SECONDS_MAX = 604_800
export const EXPIRES_SECONDS_MIN = 60
/** Whoever asks for an hour or more is never called too brief (RFC 6665 section 4.2.1.1). */
export const EXPIRES_SECONDS_NEVER_TOO_BRIEF = 3_600

/** Subscriptions of one set: a UE and a P-CSCF for each of its contacts, and application servers. */
export const SUBSCRIPTIONS_PER_SET_MAX = 48
/** Subscriptions of one partition, some 600 octets each. */
export const SUBSCRIPTIONS_PER_PARTITION_MAX = 50_000

/** NOTIFYs of one partition that are under way at once; the others wait for them. */
export const FLIGHTS_MAX = 256
/** Contacts that have ended and are not told yet, of one subscription; the oldest are left out of a document first. */
export const ENDED_UNTOLD_MAX = 32

/** CSeqs of one owner in one dialog: the next owner begins one stride higher (ARCHITECTURE, decision 4). */
export const NOTIFY_CSEQ_STRIDE = 0x1_0000
/** A dialog whose CSeq came this near to 2^31 is ended (RFC 3261 section 8.1.1.5). */
export const NOTIFY_CSEQ_MAX = 0x8000_0000 - 2 * NOTIFY_CSEQ_STRIDE
