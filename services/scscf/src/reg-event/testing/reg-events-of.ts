import { type Clock, seededRandom } from '@rollcall/core'
import { SCSCF_HOST } from '../../testing/fixtures.ts'
import { RegEvents, type RegEventsOptions } from '../reg-events.ts'

/** The notifier of a partition that reaches nobody; a test says what it looks at. */
export function regEventsOf(
  clock: Clock,
  changes: Partial<RegEventsOptions> & Pick<RegEventsOptions, 'registrations'>,
): RegEvents {
  return new RegEvents({
    clock,
    random: seededRandom('reg-event'),
    partition: 0,
    host: SCSCF_HOST,
    send: (_host, _request, _mayLeave, done) => queueMicrotask(() => done('delivered')),
    isLive: () => true,
    onOutcome: () => {},
    onOmitted: () => {},
    ...changes,
  })
}
