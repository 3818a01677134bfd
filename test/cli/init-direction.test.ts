import { expect, test } from 'vitest';
import { directionOf } from '../../src/adapters/starter/index.ts';

test.each(['val_loss', 'testloss', 'error', 'top1_err', 'valErr', 'ppl', 'val-bpb', 'RMSE', 'test_mae', 'wer', 'fid50k', 'runtime', 'train_time', 'seconds', 'loss1'])('less %s is better', (metric) => {
  expect(directionOf(metric)).toBe('minimize');
});

test.each(['accuracy', 'answer_accuracy', 'sentiment_acc', 'valAcc', 'top1acc', 'acc5', 'macro-f1', 'AUC', 'mAP', 'miou', 'r2', 'core', 'episode_return', 'confidence_score', 'power_recall'])('more %s is better', (metric) => {
  expect(directionOf(metric)).toBe('maximize');
});

test.each(['foo', 'power', 'confidence', 'sentiment', 'timesteps', 'accepted', 'certainty', 'score_loss'])('%s says neither, so it is asked', (metric) => {
  expect(directionOf(metric)).toBeNull();
});
