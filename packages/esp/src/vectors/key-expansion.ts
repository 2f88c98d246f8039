/** The keys of one AKA run and what TS 33.203 annex I makes of them; hexadecimal. */
export interface KeyExpansionVector {
  readonly milenageSet: number
  readonly ck: string
  readonly ik: string
  readonly hmacMd5: string
  readonly hmacSha1: string
  readonly aesCbc: string
  /** With odd parity, as ours has it, and as CK gives it: DES encrypts alike with both. */
  readonly des3Cbc: string
  readonly des3CbcWithoutParity: string
  readonly gmacSalt: string
  readonly gcmSalt: string
}

/**
 * TS 33.203 annex I over CK and IK of the Milenage test sets 1 to 3 (TS 35.208). Derived by its rules, which agree with
 * kamailio/kamailio, src/modules/ims_ipsec_pcscf/ipsec.c; the salts were computed with an independent Python (hmac, hashlib).
 */
export const KEY_EXPANSION_VECTORS: readonly KeyExpansionVector[] = [
  {
    milenageSet: 1,
    ck: 'b40ba9a3c58b2a05bbf0d987b21bf8cb',
    ik: 'f769bcd751044604127672711c6d3441',
    hmacMd5: 'f769bcd751044604127672711c6d3441',
    hmacSha1: 'f769bcd751044604127672711c6d344100000000',
    aesCbc: 'b40ba9a3c58b2a05bbf0d987b21bf8cb',
    des3Cbc: 'b50ba8a2c48a2a04baf1d986b31af8cbb50ba8a2c48a2a04',
    des3CbcWithoutParity: 'b40ba9a3c58b2a05bbf0d987b21bf8cbb40ba9a3c58b2a05',
    gmacSalt: 'dbc2b1c2',
    gcmSalt: '89273db6',
  },
  {
    milenageSet: 2,
    ck: '58c433ff7a7082acd424220f2b67c556',
    ik: '21a8c1f929702adb3e738488b9f5c5da',
    hmacMd5: '21a8c1f929702adb3e738488b9f5c5da',
    hmacSha1: '21a8c1f929702adb3e738488b9f5c5da00000000',
    aesCbc: '58c433ff7a7082acd424220f2b67c556',
    des3Cbc: '58c432fe7a7083add525230e2a67c45758c432fe7a7083ad',
    des3CbcWithoutParity: '58c433ff7a7082acd424220f2b67c55658c433ff7a7082ac',
    gmacSalt: '33007a51',
    gcmSalt: 'c61c17a9',
  },
  {
    milenageSet: 3,
    ck: '5dbdbb2954e8f3cde665b046179a5098',
    ik: '59a92d3b476a0443487055cf88b2307b',
    hmacMd5: '59a92d3b476a0443487055cf88b2307b',
    hmacSha1: '59a92d3b476a0443487055cf88b2307b00000000',
    aesCbc: '5dbdbb2954e8f3cde665b046179a5098',
    des3Cbc: '5dbcba2954e9f2cde664b046169b51985dbcba2954e9f2cd',
    des3CbcWithoutParity: '5dbdbb2954e8f3cde665b046179a50985dbdbb2954e8f3cd',
    gmacSalt: 'bcf31f7f',
    gcmSalt: '2a196eb0',
  },
]
