import type { Guard } from '../guard.ts'

const REGISTRATIONS = ['services/scscf/src/third-party/third-party-registrations.test.ts']
const REGISTER = ['services/scscf/src/third-party/third-party-register.test.ts']
const FRONT = ['services/presence/src/sip/register-front.test.ts']
const OWNER = ['services/presence/src/partition/owner-registration.test.ts']

/** Guards of third-party registration: what application servers are told, and what the Presence Server makes of it. */
export const THIRD_PARTY_GUARDS: readonly Guard[] = [
  {
    name: 'untrusted-next-hop',
    file: 'services/scscf/src/sip/forwarder.ts',
    code: 'for (const name of TRUSTED_HEADERS) headers.remove(name)',
    without: '',
    tests: ['services/scscf/src/sip/forwarder.test.ts'],
  },
  {
    name: 'third-party-trust',
    file: 'services/scscf/src/third-party/third-party-register.ts',
    code: 'if (isTrusted && occasion)',
    without: 'if (occasion)',
    tests: REGISTER,
  },
  {
    name: 'third-party-credentials',
    file: 'services/scscf/src/third-party/third-party-register.ts',
    code: "headers.remove('Authorization')",
    without: '',
    tests: REGISTER,
  },
  {
    name: 'third-party-lease',
    file: 'services/scscf/src/third-party/third-party-queue.ts',
    code: 'if (!this.#o.isLive()) {',
    without: 'if (false) {',
    tests: REGISTRATIONS,
  },
  {
    name: 'third-party-queue-max',
    file: 'services/scscf/src/third-party/third-party-queue.ts',
    code: 'if (this.#size < SLOTS_MAX) return',
    without: 'return',
    tests: REGISTRATIONS,
  },
  {
    name: 'register-plain',
    file: 'services/presence/src/sip/register-front.ts',
    code: 'if (!incoming.origin) {',
    without: 'if (false) {',
    tests: FRONT,
  },
  {
    name: 'watcher-not-ended',
    file: 'services/presence/src/sip/register-front.ts',
    code: "if (subscriptions === undefined) incoming.refuse('watcher-not-ended')",
    without: 'if (subscriptions === undefined) incoming.answer(answer)',
    tests: FRONT,
  },
  {
    name: 'register-overtaken',
    file: 'services/presence/src/actor/register.ts',
    code: 'toldAtMs < registration.toldAtMs',
    without: 'false',
    tests: ['services/presence/src/actor/register.test.ts'],
  },
  {
    name: 'watcher-before',
    file: 'services/presence/src/partition/presentities.ts',
    code: ' || subscription.startedAtMs > beforeMs',
    without: '',
    tests: OWNER,
  },
  {
    name: 'watcher-end-durable',
    file: 'services/presence/src/partition/owner.ts',
    code: 'await this.#lifetime.within(this.#commits.flushShared())',
    without: '',
    tests: OWNER,
  },
  {
    name: 'watcher-ends-max',
    file: 'services/presence/src/registration/watcher-ends.ts',
    code: 'if (this.#underWay >= UNDER_WAY_MAX) return undefined',
    without: '',
    tests: ['services/presence/src/registration/watcher-ends.test.ts'],
  },
]
