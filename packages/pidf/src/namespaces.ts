/** RFC 3863 section 4.1. */
export const PIDF = 'urn:ietf:params:xml:ns:pidf'
/** RFC 4479 section 4. */
export const DATA_MODEL = 'urn:ietf:params:xml:ns:pidf:data-model'
/** RFC 4480 section 3. */
export const RPID = 'urn:ietf:params:xml:ns:pidf:rpid'
/** RFC 3858 section 4. */
export const WATCHERINFO = 'urn:ietf:params:xml:ns:watcherinfo'
/** Bound to the prefix `xml` without a declaration (Namespaces in XML 1.0 section 3). */
export const XML = 'http://www.w3.org/XML/1998/namespace'
/** The name of the declarations themselves; nobody may bind it. */
export const XMLNS = 'http://www.w3.org/2000/xmlns/'
