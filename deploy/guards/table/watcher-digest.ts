import type { Guard } from '../guard.ts'

const DIGEST = 'services/presence/src/digest/watcher-digest.ts'
const CLAIM = 'services/presence/src/sip/watcher-claim.ts'
const TESTS = ['services/presence/src/sip/watcher-digest.test.ts']

/** Guards of watchers who prove themselves to the Presence Server. */
export const WATCHER_DIGEST_GUARDS: readonly Guard[] = [
  {
    name: 'watcher-unverified',
    file: 'services/presence/src/actor/subscribe.ts',
    code: "if (identity.kind === 'unverified') return refuse('watcher-unproved', newTag)",
    without: '',
    tests: ['services/presence/src/actor/subscribe.test.ts'],
  },
  {
    name: 'hidden-later',
    file: 'services/presence/src/actor/subscribe.ts',
    code: 'const isHidden = subscription.isHidden || input.isHidden',
    without: 'const { isHidden } = subscription',
    tests: ['services/presence/src/partition/owner-rules.test.ts'],
  },
  {
    name: 'proof-name-octets',
    file: 'services/presence/src/digest/proof-attempts.ts',
    code: 'if (username.length > NAME_MAX) return false',
    without: '',
    tests: ['services/presence/src/digest/proof-attempts.test.ts'],
  },
  {
    name: 'proof-name',
    file: 'services/presence/src/digest/proof-attempts.ts',
    code: 'if (!this.#names.has(username)) return false',
    without: '',
    tests: ['services/presence/src/digest/proof-attempts.test.ts'],
  },
  {
    name: 'proof-realm',
    file: DIGEST,
    code: 'if (credentials?.realm === this.#realm) return credentials',
    without: 'if (credentials) return credentials',
    tests: TESTS,
  },
  {
    name: 'proof-attempts',
    file: DIGEST,
    code: "if (!this.#attempts.has(source, credentials.username)) return 'proof-attempts'",
    without: '',
    tests: TESTS,
  },
  {
    name: 'proof-again',
    file: DIGEST,
    code: "if (outcome.kind !== 'right') return {",
    without: 'if (false) return {',
    tests: TESTS,
  },
  {
    name: 'proof-offered',
    file: DIGEST,
    code: 'const ha1 = nobodys && algorithm && user',
    without: 'const ha1 = algorithm && user',
    tests: TESTS,
  },
  {
    name: 'proof-wrong',
    file: DIGEST,
    code: "if (outcome.kind === 'wrong' || !isAbout || !user || !algorithm || !ha1)",
    without: 'if (!isAbout || !user || !algorithm || !ha1)',
    tests: TESTS,
  },
  {
    name: 'proof-own',
    file: DIGEST,
    code: 'return asserted.length === 0 || asserted.some((impu) => impus.includes(impu))',
    without: 'return impus.length > 0',
    tests: TESTS,
  },
  {
    name: 'proof-anonymous',
    file: CLAIM,
    code: 'isHidden: this.#isHidden || !isNamed, proof',
    without: 'isHidden: false, proof',
    tests: ['services/presence/src/sip/watcher-outcomes.test.ts'],
  },
  {
    name: 'ue-realm',
    file: 'packages/ue/src/presence/subscription.ts',
    code: '.find(({ realm }) => realm === user.realm)',
    without: '[0]',
    tests: ['packages/ue/src/watch-challenged.test.ts'],
  },
]
