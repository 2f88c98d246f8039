import { runService } from '@rollcall/runtime'
import { hssShape } from './config.ts'
import { HssService } from './service.ts'

await runService({ name: 'hss', shape: hssShape, create: (config, runtime) => HssService.create(config, runtime) })
