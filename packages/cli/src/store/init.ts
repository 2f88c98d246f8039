import { systemClock } from '@rollcall/core'
import { DEFAULT_SHAPE, initStore } from '@rollcall/store'
import type { Invocation } from '../command/command.ts'
import { adminTlsOf, dataOf, servicesOf, urlOf } from './reach.ts'

/** `rollcall store init` */
export async function initialise(invocation: Invocation): Promise<void> {
  const { options, output, signal } = invocation
  const data = dataOf(invocation)
  const { created, present } = await initStore({
    url: urlOf(invocation),
    clock: systemClock,
    adminTlsOf: adminTlsOf(invocation),
    ...(data === undefined ? {} : { data }),
    services: servicesOf(invocation),
    shape: {
      partitions: options.whole('partitions') ?? DEFAULT_SHAPE.partitions,
      shards: options.whole('shards') ?? DEFAULT_SHAPE.shards,
    },
    replicas: options.text('replicas') === '3' ? 3 : 1,
    signal,
  })
  const names = (list: readonly string[]): string => (list.length === 0 ? 'none' : list.join(', '))
  output.tell(`made: ${names(created)}\nthere already: ${names(present)}`, {
    event: 'store-initialised',
    created,
    present,
  })
}
