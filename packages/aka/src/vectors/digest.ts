/** One AKA digest, computed in each way that a challenge may ask for. */
export interface AkaDigestVector {
  /** The Milenage test set whose RAND, AUTN, RES and AUTS these are. */
  readonly milenageSet: number
  readonly username: string
  readonly realm: string
  readonly nonce: string
  readonly method: string
  readonly uri: string
  readonly nc: string
  readonly cnonce: string
  /** RES, hexadecimal. */
  readonly password: string
  readonly withoutQop: string
  readonly auth: string
  /** Over an empty body. */
  readonly authInt: string
  /** With qop auth and the empty password, as it goes with AUTS. */
  readonly authEmptyPassword: string
  /** Base64. */
  readonly auts: string
}

/**
 * AKAv1-MD5 by the formulas of RFC 3310 and RFC 2617 over the Milenage sets 1 to 3. Derived, not printed in any
 * specification: computed with an independent Python (hashlib).
 */
export const AKA_DIGEST_VECTORS: readonly AkaDigestVector[] = [
  {
    milenageSet: 1,
    username: 'user1_private@home1.net',
    realm: 'registrar.home1.net',
    nonce: 'I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7M=',
    method: 'REGISTER',
    uri: 'sip:registrar.home1.net',
    nc: '00000001',
    cnonce: '0a4f113b',
    password: 'a54211d5e3ba50bf',
    withoutQop: '80c87c24062c9d0e0c60756e7b4586c6',
    auth: 'cbec9fa4125f140089dbb22b24a0fec4',
    authInt: 'b03600e36933b22060fbcc163b6e67a6',
    authEmptyPassword: 'e62e40cb093c1cae5f20fe7b9689ee24',
    auts: 'uoU/PBI8z0TpNZbjVcY=',
  },
  {
    milenageSet: 2,
    username: 'user1_private@home1.net',
    realm: 'registrar.home1.net',
    nonce: 'wA1gMQPc7lLER4EZSUIC6Dn5bNmAD68XXfWzGAfiWLA=',
    method: 'REGISTER',
    uri: 'sip:registrar.home1.net',
    nc: '00000001',
    cnonce: '0a4f113b',
    password: 'd3a628ed988620f0',
    withoutQop: 'eff64cfd64aa3302df8b53ab0e4a5198',
    auth: '8895aa97dacf71563df4609a53f78780',
    authInt: '74ffcc3e7c374ca52dd9488c06f45306',
    authEmptyPassword: '77f4b060474ec30e7f9649f2a5a5c9bd',
    auts: 'zX/2ML68H7Xrp0kksOA=',
  },
  {
    milenageSet: 3,
    username: 'user1_private@home1.net',
    realm: 'registrar.home1.net',
    nonce: 'n3yNAhrM9NshPM/wx/caaq5KOptMl3JcnKvD6ZuvcoE=',
    method: 'REGISTER',
    uri: 'sip:registrar.home1.net',
    nc: '00000001',
    cnonce: '0a4f113b',
    password: '8011c48c0c214ed2',
    withoutQop: '4390a6b2bc3025ba48bdc44497c14728',
    auth: '329fd7738692012488c7385f93ca5a5b',
    authInt: '30d2700820d567ffe7f742601c41b597',
    authEmptyPassword: '039e0db208a11871ceb5b434b28e3003',
    auts: 'Q66q3dM6n4vndNCV0Is=',
  },
]

/** RFC 2617 section 3.5 (published): plain HTTP Digest, which AKAv1-MD5 is with another password. */
export const RFC_2617_EXAMPLE = {
  username: 'Mufasa',
  realm: 'testrealm@host.com',
  password: 'Circle Of Life',
  method: 'GET',
  uri: '/dir/index.html',
  nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
  nc: '00000001',
  cnonce: '0a4f113b',
  auth: '6629fae49393a05397450978507c4ef1',
} as const

/**
 * RFC 3310 section 5 (published, from memory). Its nonce and auts are fillers, of no key that is given, and the nonce is
 * no canonical base64: 48 digits, which need no padding, and one padding sign. They show what a decoder must stand.
 */
export const RFC_3310_EXAMPLE = {
  nonce: 'MzQ0a2xrbGtmbGtsZm9wb2tsc2tqaHJzZXNy9uQyMzMzMzQK=',
  auts: '5PYxMuX2NOT2NeQ=',
} as const
