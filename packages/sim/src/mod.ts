export { type SimResult, Simulation } from './simulation.ts'
