# The coarsest level.
level hand
down q 0
down p 50
up q 90
up p 150
down shift 400
up shift 520

hold left hand 90
flight left hand to right hand -40
hold right hand 100
flight right hand to shift 250
hold shift 120
