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

/** What AKAv2-MD5 makes of the same challenges: another password, and with it other responses. */
export interface AkaV2DigestVector {
  readonly milenageSet: number
  /** The password as text: base64. */
  readonly password: string
  /** Of HTTP access authentication that derives session keys, in base64; IMS takes IK and CK as they are. */
  readonly ikPrime: string
  readonly ckPrime: string
  readonly withoutQop: string
  readonly auth: string
  /** Over an empty body. */
  readonly authInt: string
  /** With qop auth and the empty password, as it goes with AUTS. */
  readonly authEmptyPassword: string
}

/**
 * AKAv2-MD5 by the formulas of RFC 4169 over the Milenage sets 1 to 3; names, nonce and counters are those of
 * `AKA_DIGEST_VECTORS`. Derived, not printed in any specification: computed with an independent Python (hashlib, hmac); the
 * order RES, IK, CK agrees with pjsip (sip_auth_aka.c), doubango and Clearwater sprout.
 */
export const AKA_V2_DIGEST_VECTORS: readonly AkaV2DigestVector[] = [
  {
    milenageSet: 1,
    password: 'shzt3q8CWaZnCAWqs3WmEQ==',
    ikPrime: 'gZBdnXq4zOi3iE1ZnV5qGA==',
    ckPrime: 'I1vtv8a0GLjwSmOkHTGsYg==',
    withoutQop: 'd783e686f2a584d8ec99f8fd492d4efd',
    auth: 'd31153f4b843bca6411a616b3894e1c2',
    authInt: '1b28fe28c139351decf2da7790e53607',
    authEmptyPassword: 'e62e40cb093c1cae5f20fe7b9689ee24',
  },
  {
    milenageSet: 2,
    password: 'SPm4KbygyM5ajfwCry1oYA==',
    ikPrime: 'bcgsG4QBxLpaQCJ2/URA2Q==',
    ckPrime: 'xRHklF3+BLzTlumH+LIHYA==',
    withoutQop: '837f856b86a7fd9c46dc8d995696c8ba',
    auth: 'd919e62a0a6d323c096f3f4a2dcea58a',
    authInt: '73032199a6f5ef302287819657112604',
    authEmptyPassword: '77f4b060474ec30e7f9649f2a5a5c9bd',
  },
  {
    milenageSet: 3,
    password: 'K6RHmgDiXiFLM6eBNGa60w==',
    ikPrime: 'YUfpFN+cCy7SGx+LMWpeYA==',
    ckPrime: 'Xukfpor8oZUvkxh8ojnmfg==',
    withoutQop: '04f77656ce84ad0466732885b0c3562c',
    auth: '5eb29cf6013fe3c52f1cb48b1353c9a9',
    authInt: 'd100740bf4af6bedd31ac0831f6ba05a',
    authEmptyPassword: '039e0db208a11871ceb5b434b28e3003',
  },
]
