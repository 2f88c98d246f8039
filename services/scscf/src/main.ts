import { runService } from '@rollcall/runtime'
import { scscfShape } from './config.ts'
import { ScscfService } from './service.ts'

await runService({ name: 'scscf', shape: scscfShape, create: (config, runtime) => new ScscfService(config, runtime) })
