/** RFC 3863 section 4.1. */
export const PIDF = 'urn:ietf:params:xml:ns:pidf'
/** RFC 4479 section 4. */
export const DATA_MODEL = 'urn:ietf:params:xml:ns:pidf:data-model'
/** RFC 4480 section 3. */
export const RPID = 'urn:ietf:params:xml:ns:pidf:rpid'
/** RFC 3858 section 4. */
export const WATCHERINFO = 'urn:ietf:params:xml:ns:watcherinfo'
