/** The keys of one AKA run and what TS 33.203 annex I makes of them; hexadecimal. */
export interface KeyExpansionVector {
  readonly milenageSet: number
  readonly ck: string
  readonly ik: string
  readonly hmacMd5: string
  readonly hmacSha1: string
  readonly aesCbc: string
}

/**
 * TS 33.203 annex I over CK and IK of the Milenage test sets 1 to 3 (TS 35.208). Derived by its rules, which agree with
 * kamailio/kamailio, src/modules/ims_ipsec_pcscf/ipsec.c.
 */
export const KEY_EXPANSION_VECTORS: readonly KeyExpansionVector[] = [
  {
    milenageSet: 1,
    ck: 'b40ba9a3c58b2a05bbf0d987b21bf8cb',
    ik: 'f769bcd751044604127672711c6d3441',
    hmacMd5: 'f769bcd751044604127672711c6d3441',
    hmacSha1: 'f769bcd751044604127672711c6d344100000000',
    aesCbc: 'b40ba9a3c58b2a05bbf0d987b21bf8cb',
  },
  {
    milenageSet: 2,
    ck: '58c433ff7a7082acd424220f2b67c556',
    ik: '21a8c1f929702adb3e738488b9f5c5da',
    hmacMd5: '21a8c1f929702adb3e738488b9f5c5da',
    hmacSha1: '21a8c1f929702adb3e738488b9f5c5da00000000',
    aesCbc: '58c433ff7a7082acd424220f2b67c556',
  },
  {
    milenageSet: 3,
    ck: '5dbdbb2954e8f3cde665b046179a5098',
    ik: '59a92d3b476a0443487055cf88b2307b',
    hmacMd5: '59a92d3b476a0443487055cf88b2307b',
    hmacSha1: '59a92d3b476a0443487055cf88b2307b00000000',
    aesCbc: '5dbdbb2954e8f3cde665b046179a5098',
  },
]
