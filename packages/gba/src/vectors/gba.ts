/** One Ks, and what is made of it. Octets are hexadecimal. */
export interface GbaVector {
  /** The Milenage test set whose RAND, CK and IK these are. */
  readonly milenageSet: number
  readonly ks: string
  readonly rand: string
  readonly btid: string
  readonly tmpi: string
  readonly keys: readonly {
    readonly uaProtocol: string
    readonly nafId: string
    readonly ksNaf: string
    readonly ksIntNaf: string
  }[]
}

/** Whose they are, where they are used, and where they were made. */
export const GBA_VECTOR_IMPI = 'user1_private@home1.net'
export const GBA_VECTOR_NAF = 'xcap.home1.net'
export const GBA_VECTOR_BSF = 'bsf.home1.net'

/**
 * Ks_NAF and TMPI by the formulas of TS 33.220 annexes B.2 to B.4 over the Milenage sets 1 to 3. Derived, not printed in
 * any specification: computed with an independent Python (hmac); no open implementation carries a published one.
 */
export const GBA_VECTORS: readonly GbaVector[] = [
  {
    milenageSet: 1,
    ks: 'b40ba9a3c58b2a05bbf0d987b21bf8cbf769bcd751044604127672711c6d3441',
    rand: '23553cbe9637a89d218ae64dae47bf35',
    btid: 'I1U8vpY3qJ0hiuZNrke/NQ==@bsf.home1.net',
    tmpi: 'WEkKGtQh8Tmmo2PURGh2v/y/lsZpJq4a@tmpi.bsf.3gppnetwork.org',
    keys: [
      {
        uaProtocol: '0100000002',
        nafId: '786361702e686f6d65312e6e65740100000002',
        ksNaf: '6859b69db92e3b3b2cef5906aa8dca63513dd97307dc269e22e87ddb84e53528',
        ksIntNaf: '0128cc1d027050460269de45761241f51bd36b00f8a8373125a0404ed3eb64fc',
      },
      {
        uaProtocol: '010001008c',
        nafId: '786361702e686f6d65312e6e6574010001008c',
        ksNaf: '296e9dfe999a39399ae77cb3706659b3d022b974eb7c0faa4bc1e1e84e6855e7',
        ksIntNaf: '9b96b7a1febbfa7643a2994581b38c74e8b2e7a8333d89db6379100122fe4c24',
      },
      {
        uaProtocol: '010001c02f',
        nafId: '786361702e686f6d65312e6e6574010001c02f',
        ksNaf: 'a7d2e17cf1f1610de9995f9f38eaa777bac51bd7f5234ef7b8a8cbb8bad72071',
        ksIntNaf: 'b6f094721e58c5532c90c07f3c66629a0ec922adb2db5137e54ecdd7c8f18a15',
      },
      {
        uaProtocol: '0100000007',
        nafId: '786361702e686f6d65312e6e65740100000007',
        ksNaf: '24a60c56a5f3bc3dc1e049f50886f434b33d231f63270ca386ecb349563fb61b',
        ksIntNaf: 'f34a29f3af989cb7ccedb54cab73dd4ae3f5efa397a357fc0398fbc0c46a4ad2',
      },
    ],
  },
  {
    milenageSet: 2,
    ks: '58c433ff7a7082acd424220f2b67c55621a8c1f929702adb3e738488b9f5c5da',
    rand: 'c00d603103dcee52c4478119494202e8',
    btid: 'wA1gMQPc7lLER4EZSUIC6A==@bsf.home1.net',
    tmpi: '2TuGj46Xyl0SOpHiKmcoS67SpWWY+wOf@tmpi.bsf.3gppnetwork.org',
    keys: [
      {
        uaProtocol: '0100000002',
        nafId: '786361702e686f6d65312e6e65740100000002',
        ksNaf: 'f2ef15d2fd095e2e76ffd7cb9987c8330c131e635dbfc91b53f34693219fb627',
        ksIntNaf: 'a86ce0ae002fbffc01ea1266f665dfd48bf2ab21eadfc8805370a3433a2c6ad0',
      },
      {
        uaProtocol: '010001008c',
        nafId: '786361702e686f6d65312e6e6574010001008c',
        ksNaf: '3d2bd253ec4caa1a2af8f0cf38454c9482ea79589665faaf79409d634ec335e5',
        ksIntNaf: '9f2acb089139b28b81c8dec5fdc71ce005d6d34da2f3a2a93b3b2efa07816a91',
      },
      {
        uaProtocol: '010001c02f',
        nafId: '786361702e686f6d65312e6e6574010001c02f',
        ksNaf: '1383d7d8c091feb4b110a5acc587d660c1fb59bdad107e9260a745f678303138',
        ksIntNaf: '88daa2fbe8cc8f56b410f58363a70258b77174dc2f561ef36f00fa988be270be',
      },
      {
        uaProtocol: '0100000007',
        nafId: '786361702e686f6d65312e6e65740100000007',
        ksNaf: '5f5dae0aabc0ddefcccb0dc85b84bf49bf551fdef164029f07740a4ba058d65c',
        ksIntNaf: 'a4eee2116a9bed658f9d11fff0f6015530d54fb65cea4b726758d9d9546cbcb9',
      },
    ],
  },
  {
    milenageSet: 3,
    ks: '5dbdbb2954e8f3cde665b046179a509859a92d3b476a0443487055cf88b2307b',
    rand: '9f7c8d021accf4db213ccff0c7f71a6a',
    btid: 'n3yNAhrM9NshPM/wx/caag==@bsf.home1.net',
    tmpi: 'fXnoatTYwgcARoH6lEmphd+OqquWmOrH@tmpi.bsf.3gppnetwork.org',
    keys: [
      {
        uaProtocol: '0100000002',
        nafId: '786361702e686f6d65312e6e65740100000002',
        ksNaf: '7a2570a49791e99310e50b773cf26a9028c7c8240d7e3407bdf9210a3def4884',
        ksIntNaf: 'ea7de9635c65a44dcc502fa5ac2ff75f6c60aa60dc7ee26620859c186ceec180',
      },
      {
        uaProtocol: '010001008c',
        nafId: '786361702e686f6d65312e6e6574010001008c',
        ksNaf: '9f012ff6ee30e83a3860e9e7d3dc876a6e265d23e87eea85f7bc913392e97835',
        ksIntNaf: 'd61129932e130f8c2265db5b67dffd2a3f8d7c9d01581f7101d2b6e8f77fc807',
      },
      {
        uaProtocol: '010001c02f',
        nafId: '786361702e686f6d65312e6e6574010001c02f',
        ksNaf: 'c0b809a6f358becd1b1f4e8cd7e42b3c644667007c7a51540904d90d2155545b',
        ksIntNaf: '763e304e0845792f42e0cfa8b4eeee8a526de02cbb6ac7667a7ee6122ae29143',
      },
      {
        uaProtocol: '0100000007',
        nafId: '786361702e686f6d65312e6e65740100000007',
        ksNaf: '19019295cb7bc363db61ffbe55e4e5a4068ea7ba27c00f6764cbb1d174d40079',
        ksIntNaf: '8d2b93aefef4d5a3789eeca1945c6130895cddb1869c6e58129ce595461ae677',
      },
    ],
  },
]
