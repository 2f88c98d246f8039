import { parentPort, workerData } from 'node:worker_threads'
import { runSeeds, type SeedsToRun } from './run-seeds.ts'

parentPort?.postMessage(await runSeeds(workerData as SeedsToRun))
