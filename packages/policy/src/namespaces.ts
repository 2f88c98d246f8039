/** RFC 4745. */
export const COMMON_POLICY = 'urn:ietf:params:xml:ns:common-policy'
/** RFC 5025 section 7. */
export const PRES_RULES = 'urn:ietf:params:xml:ns:pres-rules'
/** Conditions that OMA adds (XDM). */
export const OMA_COMMON_POLICY = 'urn:oma:xml:xdm:common-policy'
/** Transformations that OMA adds (Presence SIMPLE). */
export const OMA_PRES_RULES = 'urn:oma:xml:prs:pres-rules'
/** What OMA adds to PIDF. */
export const OMA_PIDF = 'urn:oma:xml:prs:pidf:oma-pres'
/** RFC 4480 section 3. */
export const RPID = 'urn:ietf:params:xml:ns:pidf:rpid'
/** RFC 4479 section 4. */
export const DATA_MODEL = 'urn:ietf:params:xml:ns:pidf:data-model'
/** RFC 3863 section 4.1. */
export const PIDF = 'urn:ietf:params:xml:ns:pidf'
/** RFC 4119 section 2.2. */
export const GEOPRIV = 'urn:ietf:params:xml:ns:pidf:geopriv10'
