import type { Guard } from '../guard.ts'

const UT = 'packages/ue/src/ut'

/** Guards of the UE's end of Ub and Ua. */
export const UT_UE_GUARDS: readonly Guard[] = [
  {
    name: 'isim-exclusive',
    file: 'packages/ue/src/isim.ts',
    code: 'this.#store.exclusively(async () => {',
    without: 'Promise.resolve().then(async () => {',
    tests: ['packages/ue/src/isim-store.test.ts'],
  },
  {
    name: 'ub-rspauth',
    file: `${UT}/bootstrapping.ts`,
    code: 'if (!isAuthentic(answer, proof, this.#username))',
    without: 'if (!isAuthentic(answer, proof, this.#o.impi) && false)',
    tests: [`${UT}/bootstrapping.test.ts`],
  },
  {
    name: 'ub-auth-int',
    file: `${UT}/bootstrapping.ts`,
    code: " || !challenge.qop.includes('auth-int')",
    without: '',
    tests: [`${UT}/bootstrapping.test.ts`],
  },
  {
    name: 'ks-expired',
    file: `${UT}/key-keeper.ts`,
    code: 'this.#session = undefined',
    without: 'this.#session = session',
    tests: [`${UT}/bootstrapping.test.ts`],
  },
  {
    name: 'ua-realm',
    file: `${UT}/ua-digest.ts`,
    code: 'fqdn === this.#fqdn',
    without: "fqdn !== ''",
    tests: [`${UT}/ua.test.ts`],
  },
  {
    name: 'ua-rspauth',
    file: `${UT}/ua-digest.ts`,
    code: '!sameResponse(rspauth, expected)',
    without: 'rspauth === expected.toUpperCase()',
    tests: [`${UT}/ua.test.ts`],
  },
  {
    name: 'ua-drop',
    file: `${UT}/ua-client.ts`,
    code: 'closeConnection(connection)',
    without: 'this.#protection = undefined',
    tests: [`${UT}/ua.test.ts`],
  },
  {
    name: 'ua-psk-used',
    file: `${UT}/ua-open.ts`,
    code: 'if (!provedByKey(socket, access)) throw refuse(socket, places)',
    without: '',
    tests: [`${UT}/ua-psk.test.ts`],
  },
  {
    name: 'rules-first',
    file: `${UT}/rules/editor.ts`,
    code: ", ifNoneMatch: '*'",
    without: '',
    tests: [`${UT}/rules/editor.test.ts`],
  },
  {
    name: 'rules-if-match',
    file: `${UT}/rules/editor.ts`,
    code: 'const conditions = { ifMatch }',
    without: 'const conditions = {}',
    tests: [`${UT}/rules/editor.test.ts`],
  },
]
