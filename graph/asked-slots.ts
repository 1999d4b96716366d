/** What a workflow was answered when a job asked for slots of its pools. */
export interface AskedSlots {
  /** Of its request, where it was told to wait; null where it was told to begin. */
  readonly number: number | null;
}

/** That a job has what it asked for of pools. */
export interface GrantedSlots {
  readonly job: string;
  /** Of its request: a reset brings the word of earlier ones to an execution that has asked anew. */
  readonly number: number;
}
