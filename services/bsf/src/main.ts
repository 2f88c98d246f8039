import { runService } from '@rollcall/runtime'
import { bsfShape } from './config.ts'
import { BsfService } from './service.ts'

await runService({ name: 'bsf', shape: bsfShape, create: (config, runtime) => BsfService.create(config, runtime) })
