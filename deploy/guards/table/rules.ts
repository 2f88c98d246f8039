import type { Guard } from '../guard.ts'

/** Guards of who a watcher is to rules, and of what rules show. */
export const RULES_GUARDS: readonly Guard[] = [
  {
    name: 'watcher-privacy',
    file: 'services/presence/src/sip/hides-watcher.ts',
    code: 'if (hidesIdentity(headers)) return true',
    without: '',
    tests: ['services/presence/src/sip/subscribe-front.test.ts'],
  },
  {
    name: 'may-leave-rules',
    file: 'services/presence/src/partition/notifier.ts',
    code: 'if (telling.next && isOtherwiseRuled(notice.view, telling.next.view, notice.subscription)) return false',
    without: '',
    tests: ['services/presence/src/partition/owner-rules.test.ts'],
  },
  {
    name: 'boundary-told',
    file: 'services/presence/src/partition/watcher-decisions.ts',
    code: 'if (isOtherwise) seeOtherwise.push(subscription.id)',
    without: '',
    tests: ['services/presence/src/partition/owner-timed-rules.test.ts'],
  },
  {
    name: 'ended-permissions',
    file: 'services/presence/src/partition/notice.ts',
    code: 'if (isOfAnother && !isBare) return { ...notice, isBare: true }',
    without: '',
    tests: ['services/presence/src/partition/owner-timed-rules.test.ts'],
  },
  {
    name: 'waiting-hidden',
    file: 'services/presence/src/actor/waiting.ts',
    code: 'if (one.isHidden !== other.isHidden) return false',
    without: '',
    tests: ['services/presence/src/actor/waiting.test.ts'],
  },
  {
    name: 'refusal-told-hourly',
    file: 'services/presence/src/partition/refusals-told.ts',
    code: 'return !this.#told.has(keyOf(presentity, refused)) && this.#told.size < this.#max',
    without: 'return true',
    tests: ['services/presence/src/partition/owner-winfo.test.ts'],
  },
]
