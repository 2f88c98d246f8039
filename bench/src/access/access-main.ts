import { AccessLoad } from './access-load.ts'
import { AccessNetwork, type AccessPlace } from './access-network.ts'
import type { AccessWork } from './access-work.ts'

// The access load's own process: it takes one piece of work after the other from its parent, and ends with it.
const place = JSON.parse(process.argv[2] ?? '{}') as AccessPlace

const load = new AccessLoad(await AccessNetwork.open(place))
process.on('message', (work: AccessWork) => {
  load.run(work).then(
    (report) => process.send?.({ report }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  )
})
process.once('disconnect', () => process.exit(0))
process.send?.({ ready: true })
