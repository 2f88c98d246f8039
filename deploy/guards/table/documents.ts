import type { Guard } from '../guard.ts'

/** Guards of a user's documents at the Presence Server. */
export const DOCUMENT_GUARDS: readonly Guard[] = [
  {
    name: 'rules-before-provisioned',
    file: 'services/presence/src/actor/policy-of.ts',
    code: 'documents?.rules ?? provisioned',
    without: 'documents === undefined ? provisioned : provisioned',
    tests: ['services/presence/src/partition/owner-documents.test.ts'],
  },
  {
    name: 'document-lease',
    file: 'services/presence/src/partition/owner.ts',
    code: "if (!this.#ownership.lease.isLive) throw new PartitionLostError('lease-ended')",
    without: '',
    tests: ['services/presence/src/partition/owner-documents.test.ts'],
  },
  {
    name: 'document-durable',
    file: 'services/presence/src/partition/owner.ts',
    code: 'await this.#documentsDurable(presentity)',
    without: '',
    tests: ['services/presence/src/partition/owner-documents.test.ts'],
  },
  {
    name: 'document-read-durable',
    file: 'services/presence/src/partition/owner.ts',
    code: 'await this.#documentsUnderWay.get(presentity)',
    without: '',
    tests: ['services/presence/src/partition/owner-documents.test.ts'],
  },
  {
    name: 'rules-sole',
    file: 'services/presence/src/partition/owner.ts',
    code: 'await this.#lifetime.within(this.#ownership.sole)\n    return outcome',
    without: 'return outcome',
    tests: ['services/presence/src/partition/owner-documents.test.ts'],
  },
  {
    name: 'view-permissions',
    file: 'services/presence/src/actor/view.ts',
    code: 'if (!this.#rules || isOwn) return ALL_PERMITTED',
    without: 'return ALL_PERMITTED',
    tests: ['services/presence/src/partition/owner-rules.test.ts'],
  },
  {
    name: 'hidden-watcher',
    file: 'services/presence/src/actor/subscribe.ts',
    code: "return isHidden ? { kind: 'pseudonymous', identities: watcher } : assertedWatcher(watcher)",
    without: 'return assertedWatcher(watcher)',
    tests: ['services/presence/src/partition/owner-rules.test.ts'],
  },
  {
    name: 'xcap-access',
    file: 'services/presence/src/xcap/xcap-front.ts',
    code: 'if (!mayAccess(uri, message.method, message.identities)) return refusal(403)',
    without: '',
    tests: ['services/presence/src/xcap/xcap-front.test.ts'],
  },
  {
    name: 'zb-role',
    file: 'services/presence/src/xcap/zb-listener.ts',
    code: "roles: ['ap'],",
    without: "roles: ['ap', 'scscf'],",
    tests: ['services/presence/src/xcap/xcap.int.test.ts'],
  },
]
