"""What a bench is about."""

from enum import StrEnum


class Subject(StrEnum):
    """What can be measured; the first word in the name of every figure."""

    WINDOWS = "windows"  # the windows and their store alone
    PIPELINE = "pipeline"  # events per second from files and through a broker
    LATENCY = "latency"  # from an event handed to a producer to its decision at a consumer
    HOT = "hot"  # cost of an event of a customer with a long history against one with a short one
    MEMORY = "memory"  # bytes that an event takes in the store and in the worker
    DETECTION = "detection"  # how well outliers are found, against published figures
    SCORING = "scoring"  # anomaly scores by batches of any size, against scikit-learn
    RULES = "rules"  # judging by few and by many rules, against an interpreter
