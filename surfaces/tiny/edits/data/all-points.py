# hypothesis: more points average out more of the noise
# file: data.py
# source: the law of large numbers
POINTS = 60
