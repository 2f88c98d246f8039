import { PresenceView } from '@rollcall/presence/partition'
import type { Publisher } from './clients/publisher.ts'
import { type Context, SHAPE } from './context.ts'
import type { Fleet } from './fleet.ts'
import type { SimReplica } from './replica.ts'

/** What has run out ends within the owner's next tick. */
const ENDING_MS_MAX = 1_500
const NOTHING = new Map<string, { readonly expiresAtMs: number }>()

/** What must be so in the end, and is not so yet; empty when all is well. */
export function unsettled(o: { context: Context; fleet: Fleet; publishers: readonly Publisher[] }): readonly string[] {
  const { fleet, context } = o
  return [
    ...unheld(fleet),
    ...untold(context, fleet),
    ...unpublished(context, fleet, o.publishers),
    ...unended(fleet, o.publishers),
  ]
}

/** Every partition is held by exactly one. */
function unheld({ running }: Fleet): string[] {
  const wrong = running.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`))
  for (let partition = 0; partition < SHAPE.partitions; partition += 1) {
    const holders = running.filter((replica) => ownerOf(replica, partition))
    if (holders.length !== 1)
      wrong.push(`${partition} is held by ${holders.map(({ name }) => name).join() || 'nobody'}`)
  }
  return wrong
}

/** Every watcher who may see a presentity was told its newest state. */
function untold({ watchers }: Context, { running }: Fleet): string[] {
  const wrong: string[] = []
  for (const watcher of watchers.values()) {
    for (const watch of watcher.watches) {
      const state = running.map((replica) => stateOf(replica, watch.presentity)).find((found) => found !== undefined)
      const { dialog } = watch
      if (!state || !dialog) continue
      const subscription = [...state.subscriptions.values()].find(({ eventId }) => eventId === dialog.name)
      // One whose end was not heard of learns it by its next SUBSCRIBE, or by the NOTIFY that is under way.
      if (!subscription) continue
      const body = new PresenceView(state, 0)
        .bodyFor(watch.presentity, { watcher: [], isHidden: false })
        .toString('latin1')
      if (dialog.lastBody !== body) wrong.push(`${dialog.name} was not told the newest state`)
    }
  }
  return wrong
}

/** Every publication that was answered 2xx, and has not run out, is there. */
function unpublished(context: Context, { running }: Fleet, publishers: readonly Publisher[]): string[] {
  return publishers.flatMap((publisher) => {
    const notes = publisher.expected(context.clockSlackMs)
    const state = running.map((replica) => stateOf(replica, publisher.presentity)).find((found) => found !== undefined)
    if (!notes) return []
    const bodies = [...(state?.publications.values() ?? [])].map(({ body }) => body)
    const isThere = bodies.some((body) => notes.some((note) => body.includes(`>${note}<`)))
    return isThere ? [] : [`${publisher.name}: ${notes.join()} was answered 200 and is not there`]
  })
}

/** What ran out has ended, within moments, and (see `untold`) its watchers know. */
function unended({ running }: Fleet, publishers: readonly Publisher[]): string[] {
  const presentities = [...new Set(publishers.map(({ presentity }) => presentity))]
  return running.flatMap((replica) =>
    presentities.flatMap((presentity) => {
      const { publications, subscriptions } = stateOf(replica, presentity) ?? {
        publications: NOTHING,
        subscriptions: NOTHING,
      }
      const all = [...publications.values(), ...subscriptions.values()]
      const isLate = all.some(({ expiresAtMs }) => expiresAtMs + ENDING_MS_MAX < replica.clock.now())
      return isLate ? [`something of ${presentity} has run out and not ended`] : []
    }),
  )
}

function ownerOf({ partitions }: SimReplica, partition: number) {
  return partitions.owners.find((owner) => owner.partition === partition)
}

function stateOf(replica: SimReplica, presentity: Publisher['presentity']) {
  const { partitions } = replica
  return partitions.isOpen ? ownerOf(replica, partitions.partitionOf(presentity))?.presentity(presentity) : undefined
}
