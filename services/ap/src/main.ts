import { runService } from '@rollcall/runtime'
import { apShape } from './config.ts'
import { ApService } from './service.ts'

await runService({ name: 'ap', shape: apShape, create: (config, runtime) => ApService.create(config, runtime) })
